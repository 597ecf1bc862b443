//! Uploads: the parts of a form, and the rows of a file separated by semicolons.

use super::reply::Refusal;

/// One part of `multipart/form-data`.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) filename: Option<String>,
    pub(super) content: Vec<u8>,
}

impl Part {
    /// The content as text.
    pub(super) fn text(&self) -> Result<&str, Refusal> {
        std::str::from_utf8(&self.content)
            .map_err(|_| Refusal::invalid(format!("the part `{}` is not UTF-8", self.name)))
    }
}

/// The parts of a form, by the content type that names its boundary.
pub(super) fn parts(content_type: &str, body: &[u8]) -> Result<Vec<Part>, Refusal> {
    let boundary = parameter(content_type, "boundary")
        .filter(|b| !b.is_empty())
        .ok_or_else(|| Refusal::invalid("the form has no boundary"))?;
    let broken = || Refusal::invalid("the form is not well-formed");
    let delimiter = format!("--{boundary}").into_bytes();
    let mut parts = Vec::new();
    let mut rest = body;
    let start = find(rest, &delimiter).ok_or_else(broken)?;
    rest = &rest[start + delimiter.len()..];
    loop {
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        rest = rest.strip_prefix(b"\r\n").ok_or_else(broken)?;
        let head_end = find(rest, b"\r\n\r\n").ok_or_else(broken)?;
        let head = std::str::from_utf8(&rest[..head_end]).map_err(|_| broken())?;
        rest = &rest[head_end + 4..];
        let mut closing = b"\r\n".to_vec();
        closing.extend_from_slice(&delimiter);
        let end = find(rest, &closing).ok_or_else(broken)?;
        let disposition = head
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"))
            .map(|(_, value)| value)
            .ok_or_else(broken)?;
        parts.push(Part {
            name: parameter(disposition, "name").ok_or_else(broken)?,
            filename: parameter(disposition, "filename"),
            content: rest[..end].to_vec(),
        });
        rest = &rest[end + closing.len()..];
    }
}

fn find(within: &[u8], what: &[u8]) -> Option<usize> {
    within.windows(what.len()).position(|w| w == what)
}

/// A parameter of a header's value, with or without quotes.
fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|part| {
        let (found, value) = part.trim().split_once('=')?;
        found
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// The rows of a file, the header among them. Quotes may enclose any field and are doubled inside.
pub(super) fn rows(text: &str, separator: char) -> Result<Vec<Vec<String>>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut field = String::new();
    let (mut quoted, mut touched) = (false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            _ if quoted => field.push(c),
            '"' if field.is_empty() => (quoted, touched) = (true, true),
            '"' => return Err(format!("row {} has a stray quote", rows.len() + 1)),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' => {
                // An empty line is no row.
                if touched || !field.is_empty() || !row.is_empty() {
                    row.push(std::mem::take(&mut field));
                    rows.push(std::mem::take(&mut row));
                }
                touched = false;
            }
            c if c == separator => {
                row.push(std::mem::take(&mut field));
                touched = true;
            }
            c => field.push(c),
        }
    }
    if quoted {
        return Err("a quote is never closed".to_owned());
    }
    if touched || !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    Ok(rows)
}

/// One row of a report, every field in quotes.
pub(super) fn line<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = fields
        .into_iter()
        .map(|f| format!("\"{}\"", f.replace('"', "\"\"")))
        .collect();
    format!("{}\n", quoted.join(";"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_with_and_without_quotes() {
        let text = "\u{feff}\"a\";\"b\"\r\n\"x \"\"1\"\"; y\";\r\n\nz;2";
        assert_eq!(
            rows(text, ';'),
            Ok(vec![
                vec!["a".to_owned(), "b".to_owned()],
                vec!["x \"1\"; y".to_owned(), String::new()],
                vec!["z".to_owned(), "2".to_owned()],
            ])
        );
        assert!(rows("\"open", ';').is_err());
        assert!(rows("a\"b", ';').is_err());
        assert_eq!(rows("", ';'), Ok(Vec::new()));
        assert_eq!(line(["a\"b", ""]), "\"a\"\"b\";\"\"\n");
    }

    #[test]
    fn forms() {
        let body = b"--x1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\
            Content-Type: text/csv\r\n\r\na;b\r\n1;2\r\n--x1\r\nContent-Disposition: form-data; name=mode\r\n\r\n\
            NORMAL\r\n--x1--\r\n";
        let parts = parts("multipart/form-data; boundary=x1", body).expect("a form");
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[0].name, "file");
        assert_eq!(parts[0].filename.as_deref(), Some("a.csv"));
        assert_eq!(parts[0].text().expect("text"), "a;b\r\n1;2");
        assert_eq!(parts[1].text().expect("text"), "NORMAL");
        assert!(super::parts("multipart/form-data", body).is_err());
        assert!(super::parts("multipart/form-data; boundary=y", body).is_err());
    }
}
