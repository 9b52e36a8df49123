//! What stops further attempts on a host until something is mended: none of them is for another try to find out.

use cutover_proto::ids::ProductId;
use serde::{Deserialize, Serialize};

use super::Owner;

/// What the last failure demands before anything is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stop", rename_all = "kebab-case")]
pub enum Stop {
    /// The disk was full. A look made after this shows whether there is room.
    Room {
        /// Newest look or record known when it failed, by the host's clock.
        fresh_after_ms: i64,
    },
    /// A file is not what the order states, so what the campaign supplies is at fault and not the host.
    Unfit {
        /// Its name.
        file: String,
        /// What the order states, in hex. Another file in its place lifts it.
        sha256: String,
        /// How often in a row.
        times: u32,
    },
    /// An installer demands a restart before it begins. Another kernel session lifts it.
    RestartFirst {
        /// In which it failed.
        boot_id: String,
    },
    /// An installer asks for a password or token that it did not get, or got a wrong one.
    Secret {
        /// Of which product.
        product: ProductId,
        /// What its recipe takes, as `cutover secret set` calls it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        takes: Vec<String>,
        /// Whether the installer said so, and not only that it failed.
        #[serde(default = "yes", skip_serializing_if = "is_yes")]
        is_sure: bool,
    },
    /// A policy of the machine does not let an installer work.
    Forbidden {
        /// Of which product.
        product: ProductId,
    },
    /// The machine lists a product that its installer does not know any more.
    Orphan {
        /// Of which product.
        product: ProductId,
    },
    /// The machine's own copy of the package with which a product was installed is missing or damaged.
    Source {
        /// Of which product.
        product: ProductId,
    },
    /// An installer cannot read what it was asked, which is a fault of this program.
    Ours {
        /// Of which product.
        product: ProductId,
    },
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks for it")]
const fn is_yes(is: &bool) -> bool {
    *is
}

/// Once may be a broken download; a second time in a row the file itself is not believed.
const UNFIT_TIMES: u32 = 2;

impl Stop {
    /// Whether it is of the same kind, and about the same thing.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Room { .. }, Self::Room { .. }) | (Self::RestartFirst { .. }, Self::RestartFirst { .. }) => true,
            (Self::Unfit { sha256: one, .. }, Self::Unfit { sha256: other, .. }) => one == other,
            (Self::Secret { product: one, .. }, Self::Secret { product: other, .. })
            | (Self::Forbidden { product: one }, Self::Forbidden { product: other })
            | (Self::Orphan { product: one }, Self::Orphan { product: other })
            | (Self::Source { product: one }, Self::Source { product: other })
            | (Self::Ours { product: one }, Self::Ours { product: other }) => one == other,
            _ => false,
        }
    }

    /// Whether the same failure came often enough that the file is not fetched again.
    #[must_use]
    pub const fn is_believed(&self) -> bool {
        match self {
            Self::Unfit { times, .. } => *times >= UNFIT_TIMES,
            Self::Room { .. }
            | Self::RestartFirst { .. }
            | Self::Secret { .. }
            | Self::Forbidden { .. }
            | Self::Orphan { .. }
            | Self::Source { .. }
            | Self::Ours { .. } => true,
        }
    }

    /// What hosts are counted by.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Room { .. } => "stopped/room".to_owned(),
            Self::Unfit { sha256, .. } => format!("stopped/unfit/{sha256}"),
            Self::RestartFirst { .. } => "stopped/restart-first".to_owned(),
            Self::Secret { product, .. } => format!("stopped/secret/{product}"),
            Self::Forbidden { product } => format!("stopped/forbidden/{product}"),
            Self::Orphan { product } => format!("stopped/orphan/{product}"),
            Self::Source { product } => format!("stopped/source/{product}"),
            Self::Ours { product } => format!("stopped/ours/{product}"),
        }
    }

    /// What is so, in words that hold for every host of which it is.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Room { .. } => "the last attempt found the disk full".to_owned(),
            Self::Unfit { file, .. } => format!("the file {file} that comes is not the one that the order states"),
            Self::RestartFirst { .. } => "an installer demands a restart before it begins".to_owned(),
            Self::Secret {
                product, is_sure: true, ..
            } => {
                format!("{product} asks for a password or token, and what the order had was missing or wrong")
            }
            Self::Secret {
                product,
                is_sure: false,
                ..
            } => {
                format!(
                    "{product} does not go with what the server has to say to it: its installer failed, as it does for a password \
                     that is missing or wrong, for the product's own defence and for a driver"
                )
            }
            Self::Forbidden { product } => format!("a policy of the machine does not let {product} be worked on"),
            Self::Orphan { product } => {
                format!(
                    "the machine lists {product}, which its installer does not know: an earlier removal did not end"
                )
            }
            Self::Source { product } => {
                format!(
                    "the machine's own copy of the package of {product} is missing or damaged, so it cannot be removed by it"
                )
            }
            Self::Ours { product } => format!("the installer of {product} cannot read what it was asked"),
        }
    }

    /// What to do.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Room { .. } => "free room on the host; a look that shows enough brings it back by itself".to_owned(),
            Self::Unfit { .. } => {
                "put the file right (`cutover artifact add`), or find what rewrites it on its way (a mirror, a proxy); another \
                 file goes on by itself, the same one after `cutover hosts retry`"
                    .to_owned()
            }
            Self::RestartFirst { .. } => "the next order restarts the machine".to_owned(),
            Self::Secret { product, takes, .. } if takes.is_empty() => format!(
                "find the password or token that {product} asks for, or have its console not ask, then `cutover hosts retry`"
            ),
            Self::Secret { product, takes, .. } => {
                let commands = takes
                    .iter()
                    .map(|name| format!("`cutover secret set {name} --product {product} --value-file FILE`"));
                let commands: Vec<String> = commands.collect();
                format!(
                    "set what it asks for by {}, and hosts go on by themselves; or have its console take protection by password off, \
                     or mend what else the kept log names, then `cutover hosts retry`, after which what was tried is tried again",
                    commands.join(" and ")
                )
            }
            Self::Forbidden { .. } => {
                "lift the policy that the kept log names, then `cutover hosts retry`".to_owned()
            }
            Self::Orphan { product } => format!(
                "delete the entry of {product} under the uninstall keys, or repair the product with the package of its version and \
                 `cutover hosts retry`; a look that does not list it any more goes on by itself"
            ),
            Self::Source { product } => format!(
                "give the machine the package of the very version of {product} again (its log names the file), or remove it by the \
                 vendor's own tool; then `cutover hosts retry`"
            ),
            Self::Ours { .. } => {
                "report it with the kept log; after an upgrade of the server and the agent `cutover hosts retry`".to_owned()
            }
        }
    }

    /// Who must act.
    #[must_use]
    pub const fn owner(&self) -> Owner {
        match self {
            Self::Room { .. } | Self::Forbidden { .. } | Self::Orphan { .. } | Self::Source { .. } => Owner::Helpdesk,
            Self::Unfit { .. } | Self::Ours { .. } => Owner::Catalog,
            Self::RestartFirst { .. } => Owner::Server,
            Self::Secret { .. } => Owner::Operator,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn unfit(sha256: &str, times: u32) -> Stop {
        Stop::Unfit {
            file: "a.msi".to_owned(),
            sha256: sha256.to_owned(),
            times,
        }
    }

    fn of_each_kind(product: &str) -> [Stop; 8] {
        [
            Stop::Room { fresh_after_ms: 1 },
            unfit(product, 1),
            Stop::RestartFirst {
                boot_id: "boot-1".to_owned(),
            },
            Stop::Secret {
                product: product.into(),
                takes: Vec::new(),
                is_sure: true,
            },
            Stop::Forbidden {
                product: product.into(),
            },
            Stop::Orphan {
                product: product.into(),
            },
            Stop::Source {
                product: product.into(),
            },
            Stop::Ours {
                product: product.into(),
            },
        ]
    }

    #[test]
    fn what_came_again_is_of_the_same_kind_and_about_the_same_thing() {
        let (one, other) = (of_each_kind("kesl"), of_each_kind("kes-windows"));
        for (place, stop) in one.iter().enumerate() {
            for (beside, again) in one.iter().enumerate() {
                assert_eq!(stop.is_like(again), place == beside, "{stop:?} and {again:?}");
            }
            // Room and sessions are the machine's; files and products are told apart.
            assert_eq!(stop.is_like(&other[place]), place == 0 || place == 2, "{stop:?}");
        }
        assert!(Stop::Room { fresh_after_ms: 1 }.is_like(&Stop::Room { fresh_after_ms: 2 }));
        assert!(unfit("aa", 1).is_like(&unfit("aa", 2)) && !unfit("aa", 1).is_like(&unfit("bb", 1)));
    }

    #[test]
    fn a_file_is_disbelieved_at_the_second_time_and_everything_else_at_the_first() {
        assert!(!unfit("aa", 1).is_believed() && unfit("aa", 2).is_believed());
        let others = of_each_kind("kesl")
            .into_iter()
            .filter(|it| !matches!(it, Stop::Unfit { .. }));
        assert!(others.into_iter().all(|it| it.is_believed()));
    }

    #[test]
    fn hosts_are_counted_by_what_stops_them_and_whom_it_concerns() {
        let all: Vec<Stop> = of_each_kind("kesl").into_iter().chain(of_each_kind("other")).collect();
        let keys: BTreeSet<String> = all.iter().map(Stop::key).collect();
        assert_eq!(keys.len(), 14, "room and restart are of no product: {keys:?}");
        assert!(
            keys.contains("stopped/secret/kesl") && keys.contains("stopped/unfit/other"),
            "{keys:?}"
        );
    }
}
