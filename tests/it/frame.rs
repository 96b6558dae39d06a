//! Framing: shapes, damage, and that nothing depends on windows.

use std::fmt::Write;

use proptest::prelude::*;
use tenantsweep::input::frame::{DamageReason, JsonFramer, RECORD_LIMIT, Span, SpanKind, WINDOW_SLACK};

/// Frames a text as the caller does: with windows that grow by `step` bytes at a time.
fn frame_in_steps(text: &[u8], step: usize, mut frame: impl FnMut(&[u8], u64, bool, &mut Vec<Span>) -> usize) -> Vec<Span> {
    let (mut spans, mut start, mut end) = (Vec::new(), 0, 0);
    loop {
        end = (end + step).min(text.len());
        let at_end = end == text.len();
        start += frame(&text[start..end], start as u64, at_end, &mut spans);
        if at_end {
            assert_eq!(start, text.len(), "not all consumed");
            return merged(&spans);
        }
    }
}

/// The spans with the borders taken away that windows may bring; checks that they tile.
fn merged(spans: &[Span]) -> Vec<Span> {
    let mut out: Vec<Span> = Vec::new();
    let mut at = 0;
    for span in spans {
        assert_eq!(span.offset, at, "spans do not tile: {spans:?}");
        assert!(span.len > 0);
        at += span.len as u64;
        match (out.last_mut(), span.kind) {
            (Some(last), SpanKind::Separator) if last.kind == SpanKind::Separator => last.len += span.len,
            (Some(last), SpanKind::Damage { continued: true, .. }) if matches!(last.kind, SpanKind::Damage { .. }) => {
                last.len += span.len;
            }
            (_, SpanKind::Damage { continued: true, .. }) => panic!("continues nothing: {spans:?}"),
            _ => out.push(*span),
        }
    }
    out
}

fn json_spans(text: &[u8]) -> Vec<Span> {
    let whole = json_in_steps(text, usize::MAX, RECORD_LIMIT);
    for step in [1, 7, 64] {
        assert_eq!(json_in_steps(text, step, RECORD_LIMIT), whole, "windows of {step}: {}", text.escape_ascii());
    }
    whole
}

fn json_in_steps(text: &[u8], step: usize, limit: usize) -> Vec<Span> {
    let mut framer = JsonFramer::new(limit);
    frame_in_steps(text, step.min(text.len().max(1)), |window, base, at_end, spans| {
        let consumed = framer.frame(window, base, at_end, spans);
        assert!(consumed > 0 || at_end || window.len() < limit + WINDOW_SLACK, "wants more than it may");
        consumed
    })
}

/// Records as `R…`, recovered ones as `r…`, damage as `D(reason)…`; separators are left out.
fn outline(text: &str, spans: &[Span]) -> String {
    let mut out = String::new();
    for span in spans {
        let piece = &text[span.offset as usize..][..span.len];
        let _ = match span.kind {
            SpanKind::Separator => Ok(()),
            SpanKind::Record { recovered: false } => writeln!(out, "R {piece}"),
            SpanKind::Record { recovered: true } => writeln!(out, "r {piece}"),
            SpanKind::Damage { reason, .. } => writeln!(out, "{reason:?} {piece}"),
        };
    }
    out
}

#[track_caller]
fn json(text: &str, expected: &str) {
    // Blanks in records are not what these tests are about.
    let dense = |outline: &str| outline.split_whitespace().collect::<Vec<_>>().join("");
    assert_eq!(dense(&outline(text, &json_spans(text.as_bytes()))), dense(expected));
}

#[test]
fn lines() {
    json("{\"a\":1}\n{\"a\":2}\r\n\n  {\"a\":3}", "R {\"a\":1}\nR {\"a\":2}\nR {\"a\":3}");
    json("{}{\"a\":1}{\"b\":[]} \n", "R {}\nR {\"a\":1}\nR {\"b\":[]}");
}

#[test]
fn arrays_and_wrappers() {
    json(r#"[{"a":1},{"a":[{}]} , {"b":2}]"#, "R {\"a\":1}\nR {\"a\":[{}]}\nR {\"b\":2}");
    json(r#"{"@odata.context":"x","value":[{"a":1},{"a":2}],"@odata.nextLink":"y"}"#, "R {\"a\":1}\nR {\"a\":2}");
    json("{\"records\":[{\"a\":1}]}\n{\"records\":[{\"a\":2},{\"a\":3}]}\n", "R {\"a\":1}\nR {\"a\":2}\nR {\"a\":3}");
    json(r#"[{"Results":[{"a":1}],"Metadata":{"x":[1]}},{"results":[]}]"#, r#"R {"a":1}"#);
    json(r#"{"value":{"a":1}}"#, r#"R {"value":{"a":1}}"#);
    json("[\n  {\n    \"a\": 1\n  },\n  {\n    \"a\": {\n    }\n  }\n]\n", "R {\n    \"a\": 1\n  }\nR {\n    \"a\": {\n    }\n  }");
}

#[test]
fn further_pages() {
    for (text, expected) in [
        (r#"{"value":[],"@odata.nextLink":"y"}"#, true),
        (r#"{"@odata.nextLink":"y","value":[{"a":1}]}"#, true),
        (r#"{"value":[],"@odata.nextLink":"y"}{"value":[]}"#, false),
        (r#"{"value":[],"@odata.nextLink":""}"#, false),
    ] {
        let mut framer = JsonFramer::new(RECORD_LIMIT);
        framer.frame(text.as_bytes(), 0, true, &mut Vec::new());
        assert_eq!(framer.more_pages(), expected, "{text}");
    }
}

#[test]
fn documents_glued_in_any_way() {
    json("{\"a\":1},{\"a\":2}]\n[{\"a\":3}]", "R {\"a\":1}\nR {\"a\":2}\nR {\"a\":3}");
    json("[{\"a\":1}][{\"a\":2}]\u{feff}[{\"a\":3}]\0\0{\"a\":4}", "R {\"a\":1}\nR {\"a\":2}\nR {\"a\":3}\nR {\"a\":4}");
    json("{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n", "R {\n \"a\": 1\n}\nR {\n \"a\": 2\n}");
    json("[{\"a\":1}]\n{\"value\":[{\"a\":2}]}\n{\"a\":3}\n", "R {\"a\":1}\nR {\"a\":2}\nR {\"a\":3}");
    json(r#"{"value":[{"a":1},{"a":2}}{"value":[{"a":3}]}"#, "R {\"a\":1}\nR {\"a\":2}\nR {\"a\":3}");
}

#[test]
fn elements_that_are_no_objects() {
    json(r#"[1,{"a":1},null,"x,]",{"a":2},[{"a":3}]]"#, "NotAnObject 1\nR {\"a\":1}\nNotAnObject null\nNotAnObject \"x,]\"\nR {\"a\":2}\nR {\"a\":3}");
    json("some text\nand more\n", "NotAnObject some text\nand more");
    json("heading\n{\"a\":1}\n", "NotAnObject heading\n\nR {\"a\":1}");
}

const ONE: &str = r#"{"id":"1","createdDateTime":"t","p":[{"id":"x"}]}"#;
const TWO: &str = r#"{"id":"2","createdDateTime":"t","p":[{"id":"y"}]}"#;
const THREE: &str = r#"{"id":"3","createdDateTime":"t","p":[{"id":"z"}]}"#;

#[test]
fn damaged_lines() {
    let half = &ONE[..30];
    for cut in 6..ONE.len() - 1 {
        let half = &ONE[..cut];
        let spans = json_spans(format!("{TWO}\n{half}\n{THREE}\n").as_bytes());
        let kinds: Vec<_> = spans.iter().filter(|s| s.kind != SpanKind::Separator).map(|s| s.kind).collect();
        assert!(matches!(kinds[..], [SpanKind::Record { .. }, SpanKind::Damage { .. }, SpanKind::Record { recovered: false }]), "{half} {kinds:?}");
    }
    json(&format!("{half}\n{TWO}\n"), &format!("BrokenString {half}\nR {TWO}"));
    json(&format!("{TWO}\n{half}{THREE}\n{ONE}"), &format!("R {TWO}\nBrokenString {half}\nr {THREE}\nR {ONE}"));
    json(&format!("{TWO}\n{half}"), &format!("R {TWO}\nUnfinished {half}"));
    json(&format!("{TWO}\nrubbish\n{ONE}\n"), &format!("R {TWO}\nNotAnObject rubbish\n\nR {ONE}"));
    json(&format!("\":1}}}}\n{TWO}\n"), &format!("NotAnObject \":1}}}}\n\nR {TWO}"));
    json(&format!("{{\"errorCode\":0}},\"x\":1}}\n{TWO}\n{THREE}\n"), &format!("R {{\"errorCode\":0}}\nNotAnObject \"x\":1}}\n\nR {TWO}\nR {THREE}"));
}

#[test]
fn damage_in_arrays() {
    for cut in 1..ONE.len() {
        let half = &ONE[..cut];
        let text = format!("[{THREE},{half}{TWO},{THREE}]");
        let spans = json_spans(text.as_bytes());
        let (mut whole, mut broken) = (0, 0);
        for span in &spans {
            match span.kind {
                SpanKind::Record { .. } => whole += 1,
                SpanKind::Damage { .. } => broken += 1,
                SpanKind::Separator => {}
            }
        }
        assert_eq!((whole, broken), (3, 1), "{text}\n{}", outline(&text, &spans));
    }
    let half = &ONE[..30];
    json(&format!("[{TWO},\n{half}"), &format!("R {TWO}\nUnfinished {half}"));
    json(&format!("{{\"value\":[{half},{TWO}]}}"), &format!("BrokenString {half},\nr {TWO}"));
    let no_close = &ONE[..ONE.len() - 1];
    json(&format!("[{no_close},{TWO},{THREE}]"), &format!("Unbalanced {no_close},\nr {TWO}\nR {THREE}"));
}

#[test]
fn damage_in_pretty_printed_documents() {
    let pretty = |text: &str| text.replace("[{", "[\n    {\n      ").replace("{\"id\"", "{\n  \"id\"").replace(",\"", ",\n  \"");
    let (one, two) = (pretty(ONE), pretty(TWO));
    let half = &one[..34];
    json(&format!("{two}\n{half}\n{two}\n"), &format!("R {two}\nUnbalanced {half}\n\nr {two}"));
    json(&format!("[\n{half}\n{two}\n]"), &format!("Unbalanced {half}\n\nr {two}"));
}
