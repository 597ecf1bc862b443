//! The address of this host as browsers and senders of webhooks reach it.

use url::Url;

use super::Refusal;

/// The setting of the host that holds it.
pub const PUBLIC_URL: &str = "public-url";

/// Longest address, in characters.
pub const PUBLIC_URL_MOST: usize = 300;

/// Checks an address that is to be, or was, stored under [`PUBLIC_URL`]. Answers it without a slash at its end.
pub fn checked_public_url(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.chars().count() > PUBLIC_URL_MOST {
        return Err(Refusal::Invalid(format!(
            "the setting {PUBLIC_URL} has more than {PUBLIC_URL_MOST} characters; it must be as in https://lockstep.example"
        )));
    }
    let wrong = |why: &str| {
        Refusal::Invalid(format!(
            "the setting {PUBLIC_URL} {why}, as in https://lockstep.example; it is {text:?}"
        ))
    };
    // A parser of URLs drops what it takes for noise.
    if text.chars().any(char::is_control) {
        return Err(wrong("must be an address without control characters"));
    }
    let url: Url = (text.parse()).map_err(|_| wrong("must be an address"))?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err(wrong("must begin with https:// and a name"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("must be a name alone, with no path, ? or #"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must hold neither user nor password"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_scheme_and_a_name() {
        for (given, kept) in [
            (" https://Lockstep.example/ ", "https://lockstep.example"),
            ("http://127.0.0.1:4650", "http://127.0.0.1:4650"),
            ("https://lockstep.example:443", "https://lockstep.example"),
        ] {
            assert_eq!(checked_public_url(given).unwrap(), kept);
        }
        for wrong in [
            "",
            "lockstep.example",
            "ftp://lockstep.example",
            "https://",
            "https://lockstep.example/behind",
            "https://lockstep.example/?x=1",
            "https://lockstep.example?",
            "https://lockstep.example/#x",
            "https://a@lockstep.example",
            "https://:b@lockstep.example",
            "https://lock\0step.example",
            "https://lock\tstep.example",
            &format!("https://{}.example", "x".repeat(PUBLIC_URL_MOST)),
        ] {
            let refused = checked_public_url(wrong).expect_err(wrong);
            let text = refused.to_string();
            assert!(matches!(refused, Refusal::Invalid(_)));
            assert!(text.contains(PUBLIC_URL) && text.contains("https://lockstep.example"));
        }
    }
}
