//! The published schemas against what is really written, and the page on the dataset against the
//! columns that it is about.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tenantsweep::dataset::{Table, columns};
use tenantsweep::report::{COMPARE_SCHEMA, SUMMARY_SCHEMA, TICKETS_SCHEMA};

use crate::cli::{Desk, copy_folder, stderr, stdout};
use crate::page::hostile;

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// Says everything that a document holds and its schema does not know.
fn assert_valid(schema: &str, document: &Value, from: &str) {
    let validator = jsonschema::draft202012::new(&json(schema)).expect("a schema");
    let faults: Vec<String> = validator
        .iter_errors(document)
        .take(10)
        .map(|fault| format!("{}: {:.300}", fault.instance_path(), fault.to_string()))
        .collect();
    assert!(faults.is_empty(), "{from}: {faults:#?}");
}

/// What a sweep has written, and what `report` and `compare` say of it.
fn assert_all_valid(desk: &Desk, from: &str) {
    let file =
        |name: &str| json(&fs::read_to_string(desk.path("sweep-out").join(name)).expect("a file"));
    assert_valid(SUMMARY_SCHEMA, &file("summary.json"), from);
    // Where nobody is asked for anything, and never was, there is none.
    if desk.path("sweep-out/tickets.json").exists() {
        assert_valid(TICKETS_SCHEMA, &file("tickets.json"), from);
    }
    let report = stdout(&desk.run(&["report", "--format", "json", "--since", "2026-11-15"]));
    assert_valid(SUMMARY_SCHEMA, &json(&report), from);
    let words = ["report", "--format", "json", "--redact", "--code", "53003,50076"];
    assert_valid(SUMMARY_SCHEMA, &json(&stdout(&desk.run(&words))), from);
    for at in ["2026-11-12", "2026-11-20T14:00:00Z"] {
        let words = ["compare", "sweep-out", "--at", at, "--format", "json"];
        assert_valid(COMPARE_SCHEMA, &json(&stdout(&desk.run(&words))), from);
    }
}

#[test]
fn what_is_written_of_the_sample_estate_is_as_published() {
    let desk = Desk::with_samples();
    desk.run(&["sweep", "sample-logs", "-q", "--case", "A-17", "--examiner", "M. Muster"]);
    assert_all_valid(&desk, "the sample estate");
    // Every list of the schema has been seen with something in it.
    let summary = desk.summary();
    for list in ["partners", "what_to_do", "own_tenants", "tenants", "policies", "causes"] {
        assert!(summary[list].as_array().is_some_and(|list| !list.is_empty()), "{list}");
    }
    let one = ["report", "--tenant", "1c0b7a44-5d3e-4f02-8a91-c6e2b9d04f11", "--format", "json"];
    assert_valid(SUMMARY_SCHEMA, &json(&stdout(&desk.run(&one))), "one customer");
    fs::remove_file(desk.path("sample-logs/partners.csv")).expect("removed");
    desk.run(&["sweep", "sample-logs", "-q"]);
    assert_all_valid(&desk, "no partner");
}

#[test]
fn what_is_written_of_hostile_logs_and_of_the_corpus_is_as_published() {
    assert_all_valid(&hostile::swept(), "hostile names");
    let desk = Desk::empty();
    copy_folder(Path::new("tests/corpus"), &desk.path("corpus"));
    desk.run(&["sweep", "corpus", "--partners", "corpus/partners.csv", "-q"]);
    assert_all_valid(&desk, "the corpus");
}

#[test]
fn the_schemas_know_nothing_that_they_do_not_describe() {
    for (name, text) in
        [("summary", SUMMARY_SCHEMA), ("tickets", TICKETS_SCHEMA), ("compare", COMPARE_SCHEMA)]
    {
        let schema = json(text);
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let mut objects = 0;
        look(&schema, name, &mut objects);
        assert!(objects > 3, "{name}: {objects}");
        let desk = Desk::empty();
        assert_eq!(stdout(&desk.run(&["schema", name])), text);
        // A document with one key more than the schema has fails, so the others were looked at.
        let validator = jsonschema::draft202012::new(&schema).expect("a schema");
        assert!(!validator.is_valid(&serde_json::json!({"schema": 1, "unknown": 1})));
    }
}

/// Every object is closed, says which of its keys are always there, and describes them all.
fn look(schema: &Value, at: &str, objects: &mut usize) {
    if let Some(properties) = schema["properties"].as_object() {
        *objects += 1;
        assert_eq!(schema["additionalProperties"], false, "{at}");
        let required = schema["required"].as_array().expect("a list of required keys");
        for key in required {
            assert!(properties.contains_key(key.as_str().expect("a key")), "{at}: {key}");
        }
        for (key, property) in properties {
            let told = property["description"].as_str().unwrap_or_default();
            let is_told = told.len() > 5 || property["$ref"].is_string();
            assert!(is_told, "{at}.{key} is not described");
            if property["type"] == "integer" && property.get("minimum").is_some() {
                let has_unit =
                    told.contains("Unit: ") || told.contains("number") || told.contains("urgent");
                assert!(has_unit, "{at}.{key} has no unit: {told}");
            }
        }
    }
    let within = ["properties", "$defs"].into_iter().filter_map(|key| schema[key].as_object());
    for (key, inner) in within.flatten() {
        look(inner, &format!("{at}.{key}"), objects);
    }
    look_if(&schema["items"], at, objects);
    for inner in schema["anyOf"].as_array().into_iter().flatten() {
        look_if(inner, at, objects);
    }
}

fn look_if(schema: &Value, at: &str, objects: &mut usize) {
    if schema.is_object() {
        look(schema, at, objects);
    }
}

/// `UPDATE_EXPECT=1` rewrites the page.
#[test]
fn the_page_on_the_dataset_tells_its_columns() {
    let desk = Desk::empty();
    let told = stdout(&desk.run(&["schema", "dataset"]));
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/dataset.md");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&page, &told).expect("written");
    }
    let wanted = fs::read_to_string(&page).unwrap_or_default();
    let diff = similar::TextDiff::from_lines(&wanted, &told).unified_diff().to_string();
    assert!(diff.is_empty(), "docs/dataset.md differs (UPDATE_EXPECT=1 rewrites it):\n{diff}");
    let schema = json(&stdout(&desk.run(&["schema", "dataset", "--format", "json"])));
    let tables = schema["tables"].as_array().expect("tables");
    let names: BTreeSet<&str> = tables.iter().filter_map(|table| table["name"].as_str()).collect();
    for table in Table::ALL.into_iter().filter(|table| !table.as_str().starts_with('.')) {
        assert!(names.contains(table.as_str()), "{}", table.as_str());
        for column in columns(table) {
            assert!(!column.meaning.is_empty(), "{} {}", table.as_str(), column.name);
            assert!(told.contains(&format!("| `{}` |", column.name)), "{}", column.name);
        }
    }
    assert_eq!(names.len(), tables.len());
    let output = desk.run(&["schema", "summary", "--format", "md"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("hint:"), "{}", stderr(&output));
}
