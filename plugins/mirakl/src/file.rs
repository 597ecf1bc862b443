//! Files that are sent and read: rows separated by semicolons, and the form that carries them.

use lockstep_sdk::http::Body;

/// A row, every field in quotes.
pub fn row(fields: &[&str]) -> String {
    let quoted: Vec<String> = fields
        .iter()
        .map(|field| format!("\"{}\"", field.replace('"', "\"\"")))
        .collect();
    format!("{}\n", quoted.join(";"))
}

/// The rows of a file, the header among them. The separator is whichever parts the header most often.
pub fn rows(text: &str) -> Vec<Vec<String>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // Of equals the last wins: the documented one.
    [b'\t', b',', b';']
        .into_iter()
        .map(|separator| split(text, separator))
        .max_by_key(|rows| rows.first().map_or(0, Vec::len))
        .unwrap_or_default()
}

fn split(text: &str, separator: u8) -> Vec<Vec<String>> {
    let records = csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
        .into_records();
    // Nothing is refused: the text is in memory, and rows may differ in length.
    records
        .flatten()
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect()
}

/// A form with one file, in the part `file`, and fields. `seed` makes the boundary.
pub fn form(name: &str, content: &str, fields: &[(&str, &str)], seed: &[u8]) -> Body {
    let mut boundary = String::from("lockstep-");
    for byte in seed {
        boundary.push_str(&format!("{byte:02x}"));
    }
    // A SKU can hold anything.
    while content.contains(&boundary) {
        boundary.push('x');
    }
    let mut text = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: text/csv; charset=utf-8\r\n\r\n{content}\r\n"
    );
    for (field, value) in fields {
        text.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n"
        ));
    }
    text.push_str(&format!("--{boundary}--\r\n"));
    Body {
        kind: format!("multipart/form-data; boundary={boundary}"),
        bytes: text.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_a_round_trip() {
        let skus = ["KS \"7\"; blue", "Größe,ß\n2", "plain", "水着-30", "\"", ""];
        let text: String = skus.iter().map(|sku| row(&[sku, "7", ""])).collect();
        let read = rows(&text);
        let first: Vec<&str> = read.iter().map(|r| r[0].as_str()).collect();
        assert_eq!(first, skus);
        assert_eq!(row(&["a\"b", ""]), "\"a\"\"b\";\"\"\n");
    }

    #[test]
    fn reports_with_other_separators() {
        for text in [
            "\u{feff}\"line\";\"error\";\"offer-sku\"\r\n\"2\";\"no, not\";\"A;B\"\r\n",
            "line,error,offer-sku\n2,\"no, not\",A;B\n",
            "line\terror\toffer-sku\n2\tno, not\tA;B",
        ] {
            assert_eq!(rows(text)[1], ["2", "no, not", "A;B"], "{text}");
        }
        assert!(rows("").is_empty());
        assert_eq!(rows("alone"), [["alone"]]);
    }

    #[test]
    fn a_boundary_never_occurs_in_the_file() {
        let body = form("a.csv", "lockstep-0707\n", &[("mode", "NORMAL")], &[7, 7]);
        assert_eq!(body.kind, "multipart/form-data; boundary=lockstep-0707x");
        let text = String::from_utf8(body.bytes).expect("text");
        assert!(text.starts_with("--lockstep-0707x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n"));
        assert!(text.contains("\r\n\r\nlockstep-0707\n\r\n--lockstep-0707x\r\n"));
        assert!(text.ends_with("name=\"mode\"\r\n\r\nNORMAL\r\n--lockstep-0707x--\r\n"));
    }
}
