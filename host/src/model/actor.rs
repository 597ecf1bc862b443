//! Who asks the host to do something.

use serde::{Deserialize, Serialize};

/// What a person may do. Each role may do all that the ones before it may.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Works orders, approves plans, pauses channels.
    Operator,
    /// Connects shops and channels, grants plugins their rights, manages people.
    Admin,
}

impl Role {
    /// As stored and shown.
    pub fn text(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Admin => "admin",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.text())
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Role::Viewer, Role::Operator, Role::Admin]
            .into_iter()
            .find(|r| r.text() == text)
            .ok_or_else(|| format!("\"{text}\" is no role; there are viewer, operator and admin"))
    }
}

/// By which way somebody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// The pages.
    Page,
    /// The JSON API.
    Api,
    /// The command line.
    Command,
}

impl Via {
    /// As stored and shown.
    pub fn text(self) -> &'static str {
        match self {
            Via::Page => "page",
            Via::Api => "api",
            Via::Command => "command",
        }
    }
}

/// Who asks. What they may do was checked where they came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// A person's name, a token's, or the account of the operating system.
    pub name: String,
    /// By which way.
    pub via: Via,
}

impl Actor {
    /// Who typed a command: the account of the operating system.
    pub fn command() -> Self {
        let name = ["SUDO_USER", "USER", "USERNAME"]
            .into_iter()
            .find_map(|v| std::env::var(v).ok().filter(|n| !n.is_empty()))
            .unwrap_or_else(|| "command-line".into());
        Self {
            name,
            via: Via::Command,
        }
    }
}
