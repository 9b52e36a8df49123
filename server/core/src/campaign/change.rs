//! What two campaign files say differently, key by key.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A key that a new version sets otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Such as `policy.soak`, or `wave.pilot.canaries`.
    pub key: String,
    /// As the file in force has it; `None` where it has not.
    pub before: Option<String>,
    /// As the new file has it.
    pub after: Option<String>,
}

/// What `after` says otherwise than `before`, by key. Entries of lists of tables are called by their `name`, or by their place
/// where they have none. Texts that are no TOML differ in nothing: whoever takes them refuses them.
#[must_use]
pub fn changes(before: &str, after: &str) -> Vec<Change> {
    let (before, after) = (flat(before), flat(after));
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    keys.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| Change {
            key: key.clone(),
            before: before.get(key).cloned(),
            after: after.get(key).cloned(),
        })
        .collect()
}

fn flat(text: &str) -> BTreeMap<String, String> {
    let mut into = BTreeMap::new();
    if let Ok(table) = text.parse::<toml::Table>() {
        flatten("", &table, &mut into);
    }
    into
}

fn flatten(path: &str, table: &toml::Table, into: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match value {
            toml::Value::Table(table) => flatten(&path, table, into),
            toml::Value::Array(all) if all.first().is_some_and(toml::Value::is_table) => {
                for (index, item) in all.iter().filter_map(toml::Value::as_table).enumerate() {
                    let name = item.get("name").and_then(toml::Value::as_str);
                    let name = name.map_or_else(|| (index + 1).to_string(), str::to_owned);
                    flatten(&format!("{path}.{name}"), item, into);
                }
            }
            toml::Value::String(_)
            | toml::Value::Integer(_)
            | toml::Value::Float(_)
            | toml::Value::Boolean(_)
            | toml::Value::Datetime(_)
            | toml::Value::Array(_) => {
                into.insert(path, value.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_named_by_key_and_by_the_name_of_what_is_listed() {
        let before = "mode = \"observe\"\n[policy]\nsoak = \"24h\"\n[[wave]]\nname = \"pilot\"\n[[replacement]]\nproduct = \"a\"\n";
        let after = "mode = \"automatic\"\n[policy]\ngrace = \"0s\"\n[[wave]]\nname = \"pilot\"\ncanaries = 3\n[[wave]]\nname = \"rest\"\n[[replacement]]\nproduct = \"b\"\n";
        let lines: Vec<String> = changes(before, after)
            .into_iter()
            .map(|it| {
                let word = |it: Option<String>| it.unwrap_or_else(|| "-".to_owned());
                format!("{}: {} > {}", it.key, word(it.before), word(it.after))
            })
            .collect();
        assert_eq!(
            lines,
            [
                "mode: \"observe\" > \"automatic\"",
                "policy.grace: - > \"0s\"",
                "policy.soak: \"24h\" > -",
                "replacement.1.product: \"a\" > \"b\"",
                "wave.pilot.canaries: - > 3",
                "wave.rest.name: - > \"rest\"",
            ]
        );
        assert!(changes(before, before).is_empty());
    }

    #[test]
    fn a_list_of_values_is_one_key_and_what_is_added_to_it_is_a_change() {
        let [it] = &changes("targets = [\"kesl\"]\n", "targets = [\"kesl\", \"kea\"]\n")[..] else {
            panic!("one key")
        };
        assert_eq!(it.key, "targets");
        assert_eq!(it.before.as_deref(), Some("[\"kesl\"]"));
        assert_eq!(it.after.as_deref(), Some("[\"kesl\", \"kea\"]"));
        assert_eq!(
            changes("a = []\n", "a = [1]\n").len(),
            1,
            "nothing in it is a value too"
        );
    }

    #[test]
    fn comments_and_order_of_keys_are_no_change() {
        assert!(changes("a = 1\nb = 2 # two\n", "# first\nb = 2\na = 1\n").is_empty());
    }
}
