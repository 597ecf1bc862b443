//! The real host with its pages, as `lockstep run` serves them, and somebody who is signed in.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::world::World;

/// The password of everybody here.
pub const PASSWORD: &str = "correct-horse-battery";

/// A working host. It is killed when it is dropped.
pub struct Served {
    pub url: String,
    /// The link for the first person, while there is none.
    pub first_link: Option<String>,
    child: Child,
}

/// Somebody who is signed in, or a token.
pub struct Client {
    pub http: reqwest::Client,
    url: String,
    header: (&'static str, String),
}

impl Served {
    /// Starts `lockstep run` on a free port.
    pub async fn start(world: &World) -> Self {
        // Ignored: another test has installed the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // A file, so that it never waits for a reader, and says why it ended.
        let log = world.place.join("host.log");
        let errors = std::fs::File::create(&log).expect("a log");
        let mut command = world.command();
        let mut child = command
            .args(["--json", "run", "--listen", "127.0.0.1:0"])
            .stdout(std::process::Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .expect("the host starts");
        let out = child.stdout.take().expect("its output is a pipe");
        let mut lines = BufReader::new(out).lines();
        let first = tokio::time::timeout(Duration::from_secs(120), lines.next_line())
            .await
            .expect("the host says where its pages are")
            .expect("its output can be read")
            .unwrap_or_else(|| {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                panic!("the host ended at once: {said}")
            });
        let told: serde_json::Value = serde_json::from_str(&first).expect("it says it as JSON");
        // What else it prints is read, so that it never has to wait.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let text = |name: &str| told[name].as_str().map(str::to_owned);
        Self {
            url: text("pages").expect("the address of the pages"),
            first_link: text("first_link"),
            child,
        }
    }

    /// Kills it, and waits until it is gone and its directory free.
    pub async fn end(mut self) {
        self.child.kill().await.expect("the host ends");
    }

    /// Signs in somebody of this role, who is added for it.
    pub async fn sign_in(&self, world: &World, role: &str) -> Client {
        let password = world.place.join("password");
        std::fs::write(&password, PASSWORD).expect("a password file");
        let file = password.to_str().expect("a plain path");
        world
            .run(&["user", "add", role, "--role", role, "--password-file", file])
            .await
            .code(0);
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        let answer = http
            .post(format!("{}/sign-in", self.url))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("name={role}&password={PASSWORD}"))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 303, "{role} cannot sign in");
        let cookie = answer.headers()["set-cookie"].to_str().expect("a cookie");
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Client {
            http,
            url: self.url.clone(),
            header: ("cookie", cookie),
        }
    }

    /// A token of this role.
    pub async fn token(&self, world: &World, role: &str) -> Client {
        let ran = world
            .run(&[
                "--json",
                "token",
                "add",
                &format!("test-{role}"),
                "--role",
                role,
            ])
            .await
            .code(0);
        let told: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
        let token = told["token"].as_str().expect("a token");
        Client {
            http: reqwest::Client::new(),
            url: self.url.clone(),
            header: ("authorization", format!("Bearer {token}")),
        }
    }
}

impl Client {
    /// The header that says who asks.
    pub fn header(&self) -> (&'static str, &str) {
        (self.header.0, &self.header.1)
    }

    /// Fetches a path: status and text.
    pub async fn get(&self, path: &str) -> (u16, String) {
        let request = self.http.get(format!("{}{path}", self.url));
        self.send(request).await
    }

    /// Calls the API: status and JSON.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> (u16, serde_json::Value) {
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let (status, text) = self.send(request).await;
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> (u16, String) {
        let answer = request
            .header(self.header.0, &self.header.1)
            .send()
            .await
            .expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.text().await.expect("a body"))
    }
}
