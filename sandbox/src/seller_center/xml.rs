//! A reader for the small XML documents that imports send: elements and text, no attributes kept, no entities
//! beyond the five predefined ones and character references.

/// An element with its text and children.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// The text of the first child with a name, trimmed.
    pub(super) fn child_text(&self, name: &str) -> Option<&str> {
        let child = self.children.iter().find(|c| c.name == name)?;
        Some(child.text.trim())
    }
}

/// Deeper nesting than this is refused.
const DEPTH_MAX: usize = 32;

/// Reads a document; the error says what is wrong and where.
pub(super) fn parse(text: &str) -> Result<Element, String> {
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut rest = text.trim_start_matches('\u{feff}');
    let at = |rest: &str| text.len() - rest.len();
    while !rest.is_empty() {
        let Some(start) = rest.find('<') else {
            if !rest.trim().is_empty() {
                return Err(format!("text outside of elements at byte {}", at(rest)));
            }
            break;
        };
        let (before, tag) = rest.split_at(start);
        match open.last_mut() {
            Some(element) => element.text.push_str(&unescape(before)?),
            None if before.trim().is_empty() => {}
            None => return Err(format!("text outside of elements at byte {}", at(rest))),
        }
        let skip_past = |end: &str, from: usize| {
            let found = tag[from..].find(end).map(|i| from + i);
            found.ok_or_else(|| format!("`{end}` is missing after byte {}", at(tag)))
        };
        if tag.starts_with("<!--") {
            rest = &tag[skip_past("-->", 4)? + 3..];
        } else if tag.starts_with("<![CDATA[") {
            let end = skip_past("]]>", 9)?;
            match open.last_mut() {
                Some(element) => element.text.push_str(&tag[9..end]),
                None => return Err(format!("CDATA outside of elements at byte {}", at(tag))),
            }
            rest = &tag[end + 3..];
        } else if tag.starts_with("<?") {
            rest = &tag[skip_past("?>", 2)? + 2..];
        } else if tag.starts_with("<!") {
            return Err(format!(
                "document types are not accepted (byte {})",
                at(tag)
            ));
        } else if let Some(closing) = tag.strip_prefix("</") {
            let end = skip_past(">", 2)?;
            let name = closing[..end - 2].trim();
            let Some(element) = open.pop().filter(|e| e.name == name) else {
                return Err(format!("`</{name}>` closes nothing at byte {}", at(tag)));
            };
            finish(element, &mut open, &mut root)?;
            rest = &tag[end + 1..];
        } else {
            let end = skip_past(">", 1)?;
            let inner = &tag[1..end];
            let (inner, empty) = match inner.strip_suffix('/') {
                Some(inner) => (inner, true),
                None => (inner, false),
            };
            let name = inner.split_whitespace().next().unwrap_or_default();
            if name.is_empty() {
                return Err(format!("an element without a name at byte {}", at(tag)));
            }
            if open.len() >= DEPTH_MAX {
                return Err(format!("more than {DEPTH_MAX} nested elements"));
            }
            let element = Element {
                name: name.to_owned(),
                ..Element::default()
            };
            if empty {
                finish(element, &mut open, &mut root)?;
            } else {
                open.push(element);
            }
            rest = &tag[end + 1..];
        }
    }
    if let Some(element) = open.last() {
        return Err(format!("`<{}>` is not closed", element.name));
    }
    root.ok_or_else(|| "no element at all".to_owned())
}

fn finish(
    element: Element,
    open: &mut [Element],
    root: &mut Option<Element>,
) -> Result<(), String> {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None if root.is_none() => *root = Some(element),
        None => return Err(format!("a second root element `{}`", element.name)),
    }
    Ok(())
}

fn unescape(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        let tail = &rest[start + 1..];
        let end = tail.find(';').ok_or("`&` without `;`")?;
        let name = &tail[..end];
        let number = match (name.strip_prefix("#x"), name.strip_prefix('#')) {
            (Some(hex), _) => u32::from_str_radix(hex, 16).ok(),
            (None, Some(decimal)) => decimal.parse().ok(),
            (None, None) => None,
        };
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => number
                .and_then(char::from_u32)
                .ok_or_else(|| format!("unknown entity `&{name};`"))?,
        });
        rest = &tail[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Text for use inside an element.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_imports_send() {
        let root = parse(
            "<?xml version=\"1.0\"?><!-- stock --><Request><Product><SellerSku>A &amp; B&#45;1</SellerSku>\
             <Quantity><![CDATA[7]]></Quantity></Product><Product a=\"b\"/></Request>\n",
        )
        .expect("valid XML");
        assert_eq!(root.name, "Request");
        assert_eq!(root.children.len(), 2);
        assert_eq!(root.children[0].child_text("SellerSku"), Some("A & B-1"));
        assert_eq!(root.children[0].child_text("Quantity"), Some("7"));
        assert_eq!(root.children[1].child_text("Quantity"), None);
    }

    #[test]
    fn refuses_the_rest() {
        for wrong in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a>&nope;</a>",
            "<!DOCTYPE a><a/>",
            "<a",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
