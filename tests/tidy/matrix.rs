//! What `cutover catalog list --matrix` prints: each test that it names is there.

use std::path::Path;

use crate::{
    finding::Finding,
    rust_source::{Token, tokens},
};

/// Where the matrix lies.
pub(crate) const FILE: &str = "server/matrix.toml";

/// Cells whose test is not there. `text_of` gives a file's text; `None` where there is no such file.
pub(crate) fn check(text: &str, text_of: &dyn Fn(&Path) -> Option<String>) -> Vec<Finding> {
    let file = Path::new(FILE);
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => return vec![Finding::of(file, error.to_string())],
    };
    let cells = table.get("cell").and_then(toml::Value::as_array);
    let Some(cells) = cells.filter(|cells| !cells.is_empty()) else {
        return vec![Finding::of(file, "has no [[cell]], so nothing would be printed")];
    };
    let word = |cell: &toml::Value, key: &str| cell.get(key).and_then(toml::Value::as_str).unwrap_or("").to_owned();
    cells
        .iter()
        // What ran in the field is told by whoever saw it; no test here shows it.
        .filter(|cell| word(cell, "ran") != "field")
        .filter_map(|cell| {
            let shown_by = word(cell, "shown_by");
            let why = fault(&shown_by, text_of)?;
            let line = text.lines().position(|line| line.contains(&format!("\"{shown_by}\"")));
            Some(Finding::at(file, line.map_or(0, |line| line + 1), why))
        })
        .collect()
}

fn fault(shown_by: &str, text_of: &dyn Fn(&Path) -> Option<String>) -> Option<String> {
    let Some((path, function)) = shown_by.split_once("::") else {
        return Some(format!("`{shown_by}` is no FILE::FUNCTION of a test"));
    };
    let Some(source) = text_of(Path::new(path)) else {
        return Some(format!(
            "there is no file {path}: name the test that shows it, or take the cell out"
        ));
    };
    (!has_test(&tokens(&source), function))
        .then(|| format!("{path} has no test `{function}`: name the test that shows it, or take the cell out"))
}

/// Whether a function of that name has an attribute that ends in `test`, with its arguments or without.
fn has_test(tokens: &[Token<'_>], function: &str) -> bool {
    let names = |at: usize| tokens.get(at).map(|token| token.text);
    (0..tokens.len()).any(|at| {
        let is_it = names(at) == Some("fn") && names(at + 1) == Some(function);
        is_it && {
            let before = tokens[..at]
                .iter()
                .rev()
                .take_while(|token| !matches!(token.text, "}" | ";"));
            before.clone().any(|token| token.text == "#") && before.clone().any(|token| token.text == "test")
        }
    })
}

#[test]
fn a_cell_whose_test_is_not_there_is_found_with_its_line() {
    let cell = |shown_by: &str, ran: &str| format!("[[cell]]\nran = \"{ran}\"\nshown_by = \"{shown_by}\"\n");
    let source = "fn helper() {}\n#[test]\nfn it_goes() -> Result<()> {}\n#[tokio::test(flavor = \"x\")]\nasync fn so_does_this() {}\n\
                  // fn not_this()\n";
    let text_of = |path: &Path| (path == Path::new("tests/a.rs")).then(|| source.to_owned());
    let found = |text: &str| -> Vec<String> { check(text, &text_of).iter().map(ToString::to_string).collect() };
    let good = cell("tests/a.rs::it_goes", "chroot") + &cell("tests/a.rs::so_does_this", "machine");
    assert_eq!(found(&good), Vec::<String>::new());
    assert_eq!(
        found(&cell("40 machines of ours, June 2026", "field")),
        Vec::<String>::new()
    );
    for (shown_by, said) in [
        ("tests/a.rs::it_went", "has no test `it_went`"),
        ("tests/a.rs::helper", "has no test `helper`"),
        ("tests/a.rs::not_this", "has no test `not_this`"),
        ("tests/b.rs::it_goes", "there is no file tests/b.rs"),
        ("it_goes", "is no FILE::FUNCTION"),
    ] {
        let found = found(&(good.clone() + &cell(shown_by, "wine")));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("server/matrix.toml:9: ") && found[0].contains(said),
            "{found:?}"
        );
    }
    assert_eq!(found("schema = 1\n").len(), 1);
    assert_eq!(found("schema =\n").len(), 1);
}
