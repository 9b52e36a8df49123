//! The rules that a look goes by.

use cutover_proto::{
    ids::ProductId,
    inventory::OsFamily,
    rule::{BUILT_IN, BUILT_IN_REVISION, Role, Rule},
};

/// A file that could not be taken. Its product is unknown on every host, never skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRule {
    /// By the file's name, where the file itself does not tell.
    pub product: ProductId,
    /// What is wrong with it.
    pub why: String,
}

/// Every product that is looked for, by one revision of the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSet {
    revision: u64,
    rules: Vec<Rule>,
    refused: Vec<RefusedRule>,
}

impl RuleSet {
    /// The rules that are compiled in.
    #[must_use]
    pub fn built_in() -> Self {
        Self::from_files(BUILT_IN_REVISION, BUILT_IN.iter().copied())
    }

    /// Reads rule files, each a name and its text. Never fails as a whole: what cannot be taken is kept as refused.
    pub fn from_files<'a>(revision: u64, files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut set = Self {
            revision,
            rules: Vec::new(),
            refused: Vec::new(),
        };
        for (file, text) in files {
            match Rule::parse(file, text) {
                Ok(rule) if set.rule(&rule.product).is_some() => set.refused.push(RefusedRule {
                    why: format!("{file}: another file already has the rules of {}", rule.product),
                    product: rule.product,
                }),
                Ok(rule) => set.rules.push(rule),
                Err(error) => set.refused.push(RefusedRule {
                    product: ProductId::new(file.strip_suffix(".toml").unwrap_or(file)),
                    why: error.to_string(),
                }),
            }
        }
        set.rules.sort_by(|one, other| one.product.cmp(&other.product));
        set
    }

    /// The revision.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Every rule, by product.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Every file that could not be taken.
    #[must_use]
    pub fn refused(&self) -> &[RefusedRule] {
        &self.refused
    }

    /// The rule of one product.
    #[must_use]
    pub fn rule(&self, product: &ProductId) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.product == *product)
    }

    /// What a product is to the duty; that of a refused file is not known, so it may be a target.
    #[must_use]
    pub fn role(&self, product: &ProductId) -> Role {
        let refused = self.refused.iter().any(|refused| refused.product == *product);
        match self.rule(product) {
            Some(rule) if !refused => rule.role,
            Some(_) | None => Role::Target,
        }
    }

    /// Whether any target could be seen on this system.
    #[must_use]
    pub fn covers(&self, os: OsFamily) -> bool {
        self.rules
            .iter()
            .any(|rule| rule.role == Role::Target && rule.looks_on(os).next().is_some())
    }
}
