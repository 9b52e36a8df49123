//! How a service of a replacement is set up: its files, with a campaign's settings.

use cutover_proto::rule::{ConfigRule, Rule, SETTING_VALUES_MAX};

use super::{Install, Settings};

impl Install {
    /// The files to write and their contents, in the recipe's order. A setting that is given stands in place of the
    /// recipe's own.
    ///
    /// # Errors
    /// When a setting is not known, or a value is not of its kind.
    pub fn contents<'r>(&self, rule: &'r Rule, given: &Settings) -> Result<Vec<(&'r ConfigRule, String)>, String> {
        let known = |name: &String| rule.config.iter().any(|config| config.settings().any(|it| it == name));
        for (name, values) in given {
            if !known(name) {
                return Err(format!(
                    "`{name}` is no setting of {}; see the [[config]] of its rule",
                    rule.product
                ));
            }
            if values.len() > SETTING_VALUES_MAX {
                return Err(format!("{name} has more than {SETTING_VALUES_MAX} values"));
            }
        }
        let mut settings = self.settings.clone();
        settings.extend(given.clone());
        let has = |name: &String| settings.get(name).is_some_and(|values| !values.is_empty());
        self.config
            .iter()
            .filter(|file| file.only_with.is_empty() || file.only_with.iter().any(has))
            .filter_map(|file| rule.config_at(&file.path))
            .map(|config| Ok((config, config.fill(&settings)?)))
            .collect()
    }
}
