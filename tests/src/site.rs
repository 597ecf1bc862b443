//! The working host's pages and API, as a browser and a program ask for them.

use std::process::Stdio;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::world::World;

/// What everybody signs in with.
const PASSWORD: &str = "a long enough password";
/// Longest time in which something is to come about.
const PATIENCE: Duration = Duration::from_secs(60);

/// `lockstep run`, serving on a port of its own. It is killed when this is dropped.
pub struct Site {
    url: String,
    client: Client,
    _host: Child,
}

impl Site {
    /// Starts it, and waits until it serves.
    pub async fn of(world: &World) -> Self {
        let mut command = world.command();
        command
            .args(["run", "--json", "--listen", "127.0.0.1:0"])
            .stderr(Stdio::null());
        let mut host = command.spawn().expect("the binary starts");
        let mut lines = BufReader::new(host.stdout.take().expect("its output")).lines();
        let first = lines.next_line().await.unwrap().expect("a line");
        let told: Value = serde_json::from_str(&first).unwrap();
        let url = told["pages"].as_str().expect("its address").to_owned();
        // Reads on to the end, so that the host never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            url,
            client,
            _host: host,
        }
    }

    /// Somebody of this role, signed in.
    pub async fn person(&self, world: &World, role: &str) -> Visitor<'_> {
        let mut command = world.command();
        command
            .args(["user", "add", role, "--role", role])
            .env("LOCKSTEP_USER_PASSWORD", PASSWORD);
        assert!(command.output().await.unwrap().status.success());
        let answer = self
            .client
            .post(format!("{}/sign-in", self.url))
            .form(&[("name", role), ("password", PASSWORD)])
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Visitor {
            site: self,
            header: (header::COOKIE, cookie),
        }
    }

    /// A program with a token of this role.
    pub async fn program(&self, world: &World, role: &str) -> Visitor<'_> {
        let ran = world
            .run(&[
                "token",
                "add",
                &format!("a-{role}"),
                "--role",
                role,
                "--json",
            ])
            .await
            .code(0);
        let told: Value = serde_json::from_str(&ran.out).unwrap();
        let token = told["token"].as_str().expect("the token").to_owned();
        Visitor {
            site: self,
            header: (header::AUTHORIZATION, format!("Bearer {token}")),
        }
    }
}

/// Somebody, or something, that asks the site.
pub struct Visitor<'a> {
    site: &'a Site,
    header: (header::HeaderName, String),
}

impl Visitor<'_> {
    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let (name, value) = &self.header;
        self.site
            .client
            .request(method, format!("{}{path}", self.site.url))
            .header(name, value)
    }

    pub async fn get(&self, path: &str) -> Response {
        self.ask(Method::GET, path).send().await.unwrap()
    }

    /// A page that is there.
    pub async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    }

    /// An answer of the API, with its status.
    pub async fn json(&self, path: &str) -> (u16, Value) {
        read(self.get(path).await).await
    }

    /// Sends a form.
    pub async fn press(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.ask(Method::POST, path)
            .form(form)
            .send()
            .await
            .unwrap()
    }

    /// Asks the API to do something.
    pub async fn post(&self, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.ask(Method::POST, path);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        read(request.send().await.unwrap()).await
    }

    /// Asks again until the answer is as wanted.
    pub async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = tokio::time::Instant::now();
        loop {
            let (status, answer) = self.json(path).await;
            if status == 200 && wanted(&answer) {
                return answer;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{path} does not become what it should; it is {status} {answer:#}"
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Status and body; a failure is told as RFC 9457 has it.
async fn read(answer: Response) -> (u16, Value) {
    let status = answer.status();
    let kind = answer.headers()[header::CONTENT_TYPE]
        .to_str()
        .unwrap()
        .to_owned();
    let text = answer.text().await.unwrap();
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    if status.is_success() {
        assert_eq!(kind, "application/json");
    } else {
        assert_eq!(kind, "application/problem+json", "{text}");
        assert_eq!(body["status"], status.as_u16());
        assert!(!body["detail"].as_str().unwrap().is_empty());
    }
    (status.as_u16(), body)
}
