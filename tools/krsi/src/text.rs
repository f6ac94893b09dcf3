// SPDX-License-Identifier: GPL-2.0-or-later

//! Strings that somebody else chose: names of processes, paths, values of variables.

use std::fmt::Write;

/// The bytes before the first NUL, or all.
pub fn before_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == 0);
    &bytes[..end.unwrap_or(bytes.len())]
}

/// With every byte that is not printable ASCII, and space and backslash, as a backslash and three
/// octal digits: so a line can be split at its spaces, and a terminal gets nothing to interpret.
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_graphic() && byte != b'\\' {
            text.push(byte.into());
        } else {
            write!(text, "\\{byte:03o}").expect("writing to a string does not fail");
        }
    }
    text
}

/// A text for a person that has words which somebody else chose: `escape` says what stands for each
/// character that a terminal would interpret, or that changes the order in which others are shown.
/// Lines and tabs stay.
pub fn shown(text: &str, escape: impl Fn(char) -> String) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' | '\t' => shown.push(char),
            '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}' => shown += &escape(char),
            char if char.is_control() => shown += &escape(char),
            char => shown.push(char),
        }
    }
    shown
}

/// As [`escape`] does it.
pub fn octal(char: char) -> String {
    escape(char.encode_utf8(&mut [0; 4]).as_bytes())
}

/// As JSON does it; what [`shown`] has escaped has four digits.
pub fn of_json(char: char) -> String {
    format!("\\u{:04x}", u32::from(char))
}

/// Whether a text may be what [`escape`] makes.
pub fn is_escaped(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What [`escape`] was made of. What is no escape stays as it is.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let octal = (first == b'\\')
            .then(|| behind.get(..3))
            .flatten()
            .filter(|digits| digits.iter().all(u8::is_ascii_digit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match octal {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[3..];
            }
            None => {
                bytes.push(first);
                rest = behind;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_a_terminal_or_a_reader_of_words_would_take_for_something_else() {
        assert_eq!(escape(b"/usr/bin/ls"), "/usr/bin/ls");
        assert_eq!(
            escape(b"a b\\\n\x1b[1m\xff"),
            "a\\040b\\134\\012\\033[1m\\377"
        );
    }

    #[test]
    fn a_person_is_shown_what_is_there() {
        let text = "a\tä\n\x1b[2J\r\u{9b}1m \u{202e}cod.exe\x7f";
        assert_eq!(
            shown(text, octal),
            "a\tä\n\\033[2J\\015\\302\\2331m \\342\\200\\256cod.exe\\177"
        );
        let json = shown(&serde_json::to_string(text).unwrap(), of_json);
        assert!(!json.contains(['\u{9b}', '\u{202e}', '\x7f']), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn unescapes_what_was_escaped() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(unescape(&escape(&all)), all);
        for no_escape in ["\\9\\", "\\+17", "\\777", "\\08x"] {
            assert_eq!(unescape(no_escape), no_escape.as_bytes());
        }
    }

    #[test]
    fn ends_a_string_at_its_nul() {
        assert_eq!(before_nul(b"ab\0cd"), b"ab");
        assert_eq!(before_nul(b"ab"), b"ab");
    }
}
