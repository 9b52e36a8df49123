//! Which modules and crates a Rust file names, in `use` lines and in paths.

use crate::rust_source::{Token, tokens};

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A name at the root of the file's own crate: a module, where the house is in order.
    Own(String),
    /// The root of its own crate as a whole (`use crate::*`, `use crate as x`).
    OwnRoot,
    /// Another crate of the workspace, by its package name.
    Crate(String),
}

/// A path that leaves the module it stands in, or may.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// Counted from 1.
    pub(crate) line: usize,
    /// Where it leads.
    pub(crate) target: Target,
}

/// Finds every path to the own crate's root and to other crates of the workspace.
///
/// `depth` is how many modules lie between the file and its crate's root: 0 for `lib.rs`, 1 for `app.rs` and
/// `store/mod.rs`, 2 for `store/sqlite.rs`. `krate` is the package name of the crate it belongs to.
pub(crate) fn imports(source: &str, krate: &str, depth: usize) -> Vec<Import> {
    let tokens = tokens(source);
    let own_name = krate.replace('-', "_");
    let mut found = Vec::new();
    let mut inline = Inline::default();
    let mut at = 0;
    while at < tokens.len() {
        inline.pass(&tokens, at);
        let token = tokens[at];
        let is_path = text(&tokens, at + 1) == "::";
        match token.text {
            "crate" if is_path && !is_visibility(&tokens, at) => at_root(&tokens, at + 2, &mut found),
            "crate" if text(&tokens, at + 1) == "as" => found.push(Import {
                line: token.line,
                target: Target::OwnRoot,
            }),
            "super" => {
                let (ups, after) = climb(&tokens, at);
                if ups == depth + inline.depth() && ups > 0 && !is_visibility(&tokens, at) {
                    at_root(&tokens, after, &mut found);
                }
                at = after;
                continue;
            }
            name if name == own_name && is_path => at_root(&tokens, at + 2, &mut found),
            name if name.starts_with("cutover_") && (is_path || is_imported_whole(&tokens, at)) => {
                found.push(Import {
                    line: token.line,
                    target: Target::Crate(name.replace('_', "-")),
                });
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// What follows `crate::`: a name, a group, or everything.
fn at_root(tokens: &[Token<'_>], at: usize, found: &mut Vec<Import>) {
    let mut add = |token: &Token<'_>| {
        let target = match token.text {
            "*" | "self" => Target::OwnRoot,
            name => Target::Own(name.to_owned()),
        };
        found.push(Import {
            line: token.line,
            target,
        });
    };
    let Some(first) = tokens.get(at) else { return };
    if first.text != "{" {
        add(first);
        return;
    }
    let mut depth = 0;
    let mut starts = false;
    for token in &tokens[at..] {
        match token.text {
            "{" => {
                depth += 1;
                starts = depth == 1;
            }
            "}" => depth -= 1,
            "," => starts = depth == 1,
            _ if starts => {
                add(token);
                starts = false;
            }
            _ => {}
        }
        if depth == 0 {
            return;
        }
    }
}

/// Counts `super::super::`; returns the count and where the rest begins.
fn climb(tokens: &[Token<'_>], mut at: usize) -> (usize, usize) {
    let mut ups = 0;
    while text(tokens, at) == "super" {
        ups += 1;
        at += 1;
        if text(tokens, at) != "::" {
            break;
        }
        at += 1;
    }
    (ups, at)
}

/// `pub(crate)`, `pub(in crate::store)`: says who may see, imports nothing.
fn is_visibility(tokens: &[Token<'_>], at: usize) -> bool {
    at >= 2 && (text(tokens, at - 1) == "(" && text(tokens, at - 2) == "pub" || text(tokens, at - 1) == "in")
}

/// `use cutover_agent;`, `use cutover_agent as agent;`, `use {cutover_agent, ...};`, `extern crate cutover_agent;`
fn is_imported_whole(tokens: &[Token<'_>], at: usize) -> bool {
    let before = at.checked_sub(1).map_or("", |before| text(tokens, before));
    matches!(before, "use" | "crate" | "{" | ",") && matches!(text(tokens, at + 1), ";" | "as" | "," | "}")
}

fn text<'a>(tokens: &[Token<'a>], at: usize) -> &'a str {
    tokens.get(at).map_or("", |token| token.text)
}

/// How many `mod name { ... }` of the file stand open.
#[derive(Default)]
struct Inline {
    braces: usize,
    open: Vec<usize>,
}

impl Inline {
    fn depth(&self) -> usize {
        self.open.len()
    }

    fn pass(&mut self, tokens: &[Token<'_>], at: usize) {
        match tokens[at].text {
            "{" => {
                self.braces += 1;
                if at >= 2 && text(tokens, at - 2) == "mod" {
                    self.open.push(self.braces);
                }
            }
            "}" => {
                if self.open.last() == Some(&self.braces) {
                    self.open.pop();
                }
                self.braces = self.braces.saturating_sub(1);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(names: &[&str]) -> Vec<Target> {
        names.iter().map(|name| Target::Own((*name).to_owned())).collect()
    }

    fn targets(source: &str, depth: usize) -> Vec<Target> {
        imports(source, "cutover-server", depth)
            .into_iter()
            .map(|import| import.target)
            .collect()
    }

    #[test]
    fn use_lines_groups_and_bare_paths_are_imports() {
        assert_eq!(targets("use crate::store::Tx;", 1), own(&["store"]));
        assert_eq!(
            targets("use crate::{pki, store::{Tx, rows::{Row}}, clock};", 1),
            own(&["pki", "store", "clock"])
        );
        assert_eq!(targets("fn a() { crate::store::open() }", 1), own(&["store"]));
        assert_eq!(targets("pub use crate::app::App;", 1), own(&["app"]));
        assert_eq!(targets("$crate::store::x!()", 1), own(&["store"]));
    }

    #[test]
    fn the_root_as_a_whole_is_told() {
        for source in ["use crate::*;", "use crate as root;", "use crate::{self as root};"] {
            assert_eq!(targets(source, 1), [Target::OwnRoot], "{source}");
        }
    }

    #[test]
    fn super_counts_where_it_reaches_the_root() {
        assert_eq!(targets("use super::store::Tx;", 1), own(&["store"]));
        assert_eq!(targets("use super::super::service::enrol;", 2), own(&["service"]));
        assert_eq!(targets("use super::rows::Row;", 2), []);
        assert_eq!(targets("use super::*;", 1), [Target::OwnRoot]);
        assert_eq!(targets("mod tests { use super::*; }", 1), []);
        assert_eq!(
            targets("mod tests { use super::super::store::Tx; }", 1),
            own(&["store"])
        );
        assert_eq!(targets("mod a { fn b() {} } use super::pki::Ca;", 1), own(&["pki"]));
    }

    #[test]
    fn other_crates_are_told_by_package_name() {
        let agent = [Target::Crate("cutover-agent".to_owned())];
        for source in [
            "use cutover_agent::host::Rooted;",
            "use cutover_agent as agent;",
            "use {cutover_agent, std::fs};",
            "extern crate cutover_agent;",
            "fn a() { cutover_agent::act::run() }",
        ] {
            assert_eq!(targets(source, 1), agent, "{source}");
        }
        assert_eq!(
            targets("let cutover_hosts_total = 1; record(cutover_hosts_total);", 1),
            []
        );
    }

    #[test]
    fn a_programs_own_library_is_its_own_crate() {
        assert_eq!(targets("use cutover_server::{cli, app::App};", 0), own(&["cli", "app"]));
    }

    #[test]
    fn visibility_comments_and_strings_import_nothing() {
        let source = "pub(crate) fn a() {} pub(in crate::store) fn b() {} pub(super) struct C; // crate::store::x\n\
                      const D: &str = \"crate::store::y\"; /* use crate::web; */";
        assert_eq!(targets(source, 1), []);
    }

    #[test]
    fn the_line_is_the_names_line() {
        let found = imports("use crate::{\n    pki,\n    store,\n};", "cutover-server", 1);
        assert_eq!(found.iter().map(|import| import.line).collect::<Vec<_>>(), [2, 3]);
    }
}
