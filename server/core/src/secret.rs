//! Secrets as decisions know them: which there are, in how many values, and a digest of each that tells nothing of it.
//!
//! A password that is wrong may lock what it is for, so it is counted what was tried on a host. What is compared are digests that the
//! edge makes under a key: no decision sees a secret, and no plan keeps one.

use std::collections::{BTreeMap, BTreeSet};

use cutover_proto::{
    ids::ProductId,
    inventory::PackageManager,
    step::{Purpose, Step},
};
use serde::{Deserialize, Serialize};

use crate::{
    catalog::{Catalog, RecipeSecret},
    plan::Plan,
};

/// So many are tried in one order. No vendor states how many wrong ones lock a product.
pub const TRIES_IN_ORDER: usize = 2;

/// So many are tried on a host of what is in force at a time.
pub const TRIES_PER_REVISION: usize = 3;

/// A secret that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Rises each time that it is set.
    pub revision: u64,
    /// A digest of each value, in the order in which they are tried.
    pub values: Vec<String>,
}

/// Every secret that can be used, by its product and its name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keyring {
    held: BTreeMap<(ProductId, String), Held>,
}

/// None.
pub static NO_SECRETS: Keyring = Keyring { held: BTreeMap::new() };

/// A value of a secret, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Of the secret.
    pub revision: u64,
    /// Which of its values, from 0.
    pub value: usize,
}

/// What is said to a product together: a value of each secret that it takes and that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// Tells it from any other of the product.
    pub digest: String,
    /// The values, by the names of their secrets.
    pub values: BTreeMap<String, Place>,
}

/// What an order brings for one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    /// Which.
    pub product: ProductId,
    /// One after the other.
    pub tries: Vec<Try>,
}

impl Keyring {
    /// Of these.
    pub fn new(held: impl IntoIterator<Item = ((ProductId, String), Held)>) -> Self {
        Self {
            held: held.into_iter().collect(),
        }
    }

    /// Of what a product takes, what no work begins without and is not there.
    pub(crate) fn lacks(&self, product: &ProductId, taken: &[RecipeSecret]) -> Vec<String> {
        let is_there = |name: &str| {
            let held = self.held.get(&(product.clone(), name.to_owned()));
            held.is_some_and(|held| !held.values.is_empty())
        };
        let needed = taken.iter().filter(|secret| secret.required);
        let names = needed.map(|secret| secret.name.to_string());
        names.filter(|name| !is_there(name)).collect()
    }

    /// Everything that can be said to a product, the likeliest first. The n-th value of one secret goes with the n-th of the others;
    /// one that has fewer gives its last.
    fn all(&self, product: &ProductId, taken: &[RecipeSecret]) -> Vec<Try> {
        let held: Vec<(&str, &Held)> = taken
            .iter()
            .filter_map(|it| {
                let name = it.name.as_str();
                let held = self.held.get(&(product.clone(), name.to_owned()))?;
                (!held.values.is_empty()).then_some((name, held))
            })
            .collect();
        let longest = held.iter().map(|(_, held)| held.values.len()).max().unwrap_or_default();
        (0..longest.min(TRIES_PER_REVISION))
            .map(|nth| {
                let place = |held: &Held| nth.min(held.values.len() - 1);
                let digests = held
                    .iter()
                    .map(|(name, held)| format!("{name}:{}", held.values[place(held)]));
                Try {
                    digest: digests.collect::<Vec<_>>().join("+"),
                    values: held
                        .iter()
                        .map(|(name, held)| {
                            let place = Place {
                                revision: held.revision,
                                value: place(held),
                            };
                            ((*name).to_owned(), place)
                        })
                        .collect(),
                }
            })
            .collect()
    }
}

/// How it stands with what a product asks for, on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Its recipe takes none, or there is none: it is tried without.
    Without,
    /// These were not tried there yet.
    Untried(Vec<Try>),
    /// All that there is was tried there.
    Spent,
}

/// How it stands with what a product asks for.
pub(crate) fn choice(plan: &Plan, product: &ProductId, catalog: &Catalog, keyring: &Keyring) -> Choice {
    let taken = catalog.recipes.get(product).map_or(&[][..], |recipe| &recipe.secrets);
    let all = keyring.all(product, taken);
    if all.is_empty() {
        return Choice::Without;
    }
    let nothing = BTreeSet::new();
    let tried = plan.secrets_tried.get(product).unwrap_or(&nothing);
    let left: Vec<Try> = all.into_iter().filter(|it| !tried.contains(&it.digest)).collect();
    if left.is_empty() {
        Choice::Spent
    } else {
        Choice::Untried(left)
    }
}

/// The product that a step removes by an installer which may ask for a secret.
pub(crate) fn asking(step: &Step) -> Option<&ProductId> {
    let Purpose::Remove(product) = step.action.purpose() else {
        return None;
    };
    (step.action.manager() == Some(PackageManager::Msi)).then_some(product)
}

/// What an order with these steps brings: exactly what they need, of what is there; and what is asked for before a product goes, only
/// where it was not tried on the host.
pub(crate) fn for_order(plan: &Plan, steps: &[Step], catalog: &Catalog, keyring: &Keyring) -> Vec<Tries> {
    let mut all: Vec<Tries> = Vec::new();
    for product in steps.iter().filter_map(asking) {
        let Choice::Untried(mut tries) = choice(plan, product, catalog, keyring) else {
            continue;
        };
        tries.truncate(TRIES_IN_ORDER);
        if all.iter().all(|it| it.product != *product) {
            all.push(Tries {
                product: product.clone(),
                tries,
            });
        }
    }
    // A file that is not taken locks nothing, so it may be brought again.
    for product in steps.iter().filter_map(|step| step.action.onboards()) {
        let taken = catalog.recipes.get(product).map_or(&[][..], |recipe| &recipe.secrets);
        let mut tries = keyring.all(product, taken);
        tries.truncate(1);
        if !tries.is_empty() {
            all.push(Tries {
                product: product.clone(),
                tries,
            });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use cutover_proto::{
        secret::SecretForm,
        step::{Action, SetUpState},
    };

    use super::*;
    use crate::catalog::SecretName;

    fn taken(names: &[SecretName]) -> Vec<RecipeSecret> {
        let secret = |name: &SecretName| RecipeSecret {
            name: *name,
            property: "KLPASSWD".to_owned(),
            form: SecretForm::Plain,
            fact: "a test".to_owned(),
            required: false,
        };
        names.iter().map(secret).collect()
    }

    fn keyring(held: &[(&str, u64, &[&str])]) -> Keyring {
        Keyring::new(held.iter().map(|(name, revision, values)| {
            let held = Held {
                revision: *revision,
                values: values.iter().map(|it| (*it).to_owned()).collect(),
            };
            (("kes-windows".into(), (*name).to_owned()), held)
        }))
    }

    fn digests(keyring: &Keyring, names: &[SecretName]) -> Vec<String> {
        let all = keyring.all(&"kes-windows".into(), &taken(names));
        all.into_iter().map(|it| it.digest).collect()
    }

    const BOTH: &[SecretName] = &[SecretName::Login, SecretName::Password];

    #[test]
    fn values_of_several_secrets_go_together_by_their_places_and_the_last_one_goes_on() {
        let one_login = keyring(&[("login", 1, &["l"]), ("password", 4, &["a", "b", "c"])]);
        assert_eq!(
            digests(&one_login, BOTH),
            ["login:l+password:a", "login:l+password:b", "login:l+password:c"]
        );
        let pairs = keyring(&[("login", 1, &["l", "m"]), ("password", 4, &["a", "b"])]);
        assert_eq!(digests(&pairs, BOTH), ["login:l+password:a", "login:m+password:b"]);
        let second = &pairs.all(&"kes-windows".into(), &taken(BOTH))[1];
        assert_eq!(second.values["password"], Place { revision: 4, value: 1 });
    }

    #[test]
    fn what_is_not_there_or_not_taken_is_not_said() {
        let both = keyring(&[("login", 1, &["l"]), ("password", 1, &["a"])]);
        assert_eq!(digests(&both, &[SecretName::Password]), ["password:a"]);
        assert_eq!(digests(&both, &[]), [""; 0]);
        assert_eq!(digests(&keyring(&[("password", 1, &["a"])]), BOTH), ["password:a"]);
        assert_eq!(digests(&NO_SECRETS, BOTH), [""; 0]);
        let all = both.all(&"klnagent-windows".into(), &taken(BOTH));
        assert_eq!(all, []);
    }

    #[test]
    fn a_replacement_that_is_onboarded_is_brought_its_file_as_often_as_it_takes() {
        let host = crate::samples::host();
        let plan = Plan::unborn(host, cutover_proto::ids::CampaignId::new("c"));
        let catalog = crate::samples::catalog();
        let held = Held {
            revision: 2,
            values: vec!["a".to_owned()],
        };
        let keyring = Keyring::new([(("defender-endpoint".into(), "onboarding".to_owned()), held)]);
        let step = |state| Step {
            action: Action::SetUp {
                product: "defender-endpoint".into(),
                state,
                tenant: None,
            },
            time_limit: std::time::Duration::from_secs(1),
            safe_point_after: true,
        };
        let mut tried = plan.clone();
        let digests = ["onboarding:a".to_owned()].into();
        tried.secrets_tried.insert("defender-endpoint".into(), digests);
        for plan in [plan, tried] {
            let brought = for_order(&plan, &[step(SetUpState::Onboarded)], &catalog, &keyring);
            assert_eq!(brought.len(), 1);
            assert_eq!(brought[0].tries.len(), 1);
            assert_eq!(for_order(&plan, &[step(SetUpState::Active)], &catalog, &keyring), []);
            assert_eq!(
                for_order(&plan, &[step(SetUpState::Onboarded)], &catalog, &NO_SECRETS),
                []
            );
        }
    }

    #[test]
    fn no_more_than_three_are_tried_of_what_is_in_force() {
        let many = keyring(&[("password", 1, &["a", "b", "c", "d"])]);
        assert_eq!(digests(&many, BOTH).len(), TRIES_PER_REVISION);
    }
}
