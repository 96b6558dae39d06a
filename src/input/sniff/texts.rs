//! Texts that are neither JSON nor a table, by how their first lines begin.

use super::NoLog;
use super::files::no_log;

const SIGN_INS: &str = "give the exported sign-in logs, as JSON or CSV";

/// Names a text by its first lines. `text` begins with its first visible character.
pub(super) fn name_text(text: &[u8]) -> Option<NoLog> {
    let head = String::from_utf8_lossy(&text[..text.len().min(4096)]);
    let lines: Vec<&str> = head.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let (first, second) = (*lines.first()?, lines.get(1).copied().unwrap_or_default());
    let begins = |beginnings: &[&str]| beginnings.iter().any(|start| first.starts_with(start));
    Some(no_log(if first.starts_with("****") && second.contains("PowerShell transcript") {
        ("a transcript of a PowerShell session", "give the files that the commands in it wrote")
    } else if is_mail(&lines) {
        ("a mail (eml)", "save the attached export out of the mail")
    } else if lines.iter().take(2).all(|line| is_hash_line(line)) {
        ("a list of hashes", "it belongs to an export; give the export")
    } else if begins(&["Query could not be parsed", "Semantic error", "Syntax error", "Error SEM"])
        || has_kusto_code(first)
    {
        ("an error message of a query in Log Analytics", "correct the query and export its result")
    } else if begins(&["-----BEGIN "]) {
        ("a key or a certificate", SIGN_INS)
    } else if is_log_line(first) && is_log_line(second) {
        ("the text log of some program", SIGN_INS)
    } else {
        return None;
    }))
}

/// The head of a mail: lines `Name: value`, among them names that only mails have.
fn is_mail(lines: &[&str]) -> bool {
    const NAMES: [&str; 7] = [
        "Return-Path:",
        "Received:",
        "Delivered-To:",
        "MIME-Version:",
        "Message-ID:",
        "X-Received:",
        "DKIM-Signature:",
    ];
    let is_field = |line: &&&str| NAMES.iter().any(|name| starts_without_case(line, name));
    let starts_as_field = lines.first().is_some_and(|line| {
        line.split_once(':').is_some_and(|(name, _)| {
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
    });
    starts_as_field && lines.iter().take(40).filter(is_field).count() >= 2
}

fn starts_without_case(line: &str, start: &str) -> bool {
    line.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

/// `<hash>  name` of MD5, SHA-1, SHA-256 or SHA-512.
fn is_hash_line(line: &str) -> bool {
    let (hash, name) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let is_hash = hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash && matches!(hash.len(), 32 | 40 | 64 | 128) && !name.contains('{')
}

/// Kusto numbers its errors: `SEM0100`, `SYN0002`.
fn has_kusto_code(line: &str) -> bool {
    ["SEM0", "SYN0"].iter().any(|code| {
        line.split_once(code)
            .is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()))
    })
}

/// A line that begins as the logs of programs do: a time, then words; or a syslog line.
fn is_log_line(line: &str) -> bool {
    let bytes = line.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let is = |at: usize, wanted: &[u8]| bytes.get(at).is_some_and(|byte| wanted.contains(byte));
    let date = |at: usize| {
        [0, 1, 2, 3, 5, 6, 8, 9].iter().all(|more| digit(at + more))
            && is(at + 4, b"-/")
            && is(at + 7, b"-/")
    };
    let time = |at: usize| {
        [0, 1, 3, 4, 6, 7].iter().all(|more| digit(at + more))
            && is(at + 2, b":")
            && is(at + 5, b":")
    };
    let begin = usize::from(line.starts_with('['));
    let dated = date(begin) && is(begin + 10, b" T") && time(begin + 11);
    // Behind the fraction and the zone: words, where a table without a header has a cell.
    let words = || {
        let rest = line.get(begin + 19..).unwrap_or_default();
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || ".,+-:Z".contains(c));
        rest.starts_with([' ', '\t', ']'])
    };
    let syslog = line.starts_with('<') && line.find('>').is_some_and(|end| end <= 4);
    (dated && words()) || syslog || is_web_server_line(line)
}

/// The Common Log Format: `host - - [21/Nov/2026:09:00:00 +0000] "GET /…`.
fn is_web_server_line(line: &str) -> bool {
    line.split_once(" [").is_some_and(|(host, rest)| {
        host.split(' ').count() == 3
            && rest.split_once("] \"").is_some_and(|(time, _)| time.len() == 26)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_named_by_their_first_lines() {
        let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let hashes = format!("{hash}  a.json\n{hash} *b, c.json\n");
        for (text, what) in [
            (
                "**********************\r\nWindows PowerShell transcript start\r\n",
                "a transcript of a PowerShell session",
            ),
            ("Received: from x\r\nMIME-Version: 1.0\r\nSubject: logs\r\n", "a mail (eml)"),
            (hashes.as_str(), "a list of hashes"),
            (
                "'where' operator: Failed to resolve column named 'X' (SEM0100)",
                "an error message of a query in Log Analytics",
            ),
            (
                "2026-11-21 09:00:00,123 INFO a, b\n2026-11-21 09:00:01,000 WARN c, d",
                "the text log of some program",
            ),
            (
                "[2026-11-21T09:00:00Z] started\n[2026-11-21T09:00:01Z] stopped",
                "the text log of some program",
            ),
            (
                "10.0.0.1 - - [21/Nov/2026:09:00:00 +0000] \"GET / HTTP/1.1\" 200\n\
                 10.0.0.1 - - [21/Nov/2026:09:00:00 +0000] \"GET / HTTP/1.1\" 200",
                "the text log of some program",
            ),
        ] {
            assert_eq!(name_text(text.as_bytes()).map(|no| no.what).as_deref(), Some(what));
        }
    }

    #[test]
    fn tables_are_left_alone() {
        for text in [
            "Date (UTC),Request ID,User\n2026-11-21T09:00:00Z,1,a b\n",
            "Subject,Received: from\n",
            "2026-11-21T09:00:00Z,1,a b\n2026-11-21T09:00:00Z,1,a b\n",
            "#TYPE x\n\"Id\",\"b\"\n",
            "äöü: ß\n",
        ] {
            assert_eq!(name_text(text.as_bytes()), None, "{text}");
        }
    }
}
