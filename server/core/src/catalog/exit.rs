//! What exit codes of installers mean. They decide no success: the look after a step does. They tell what follows a failure, and
//! that a restart is owed.

use std::sync::LazyLock;

use cutover_proto::{ids::ProductId, inventory::PackageManager, step::Step, words};
use serde::Deserialize;

use super::Catalog;

/// The table that holds for every product.
const TABLE: &str = include_str!("../../../exit-codes.toml");

words! {
    /// What an installer says by its exit code.
    pub enum ExitMeaning("meaning of an exit code") {
        /// Another installation is at work.
        Busy = "busy",
        /// It is done, and complete only after a restart.
        RestartAfter = "restart-after",
        /// It does not begin before the machine was restarted.
        RestartFirst = "restart-first",
        /// A password or token is missing or wrong.
        Secret = "secret",
        /// It failed, as it does for a password that is missing or wrong, and for other causes too.
        PerhapsSecret = "perhaps-secret",
        /// A policy of the machine does not allow it.
        Forbidden = "forbidden",
        /// Somebody at the machine ended it.
        Cancelled = "cancelled",
        /// It does not know the product. Where a look still lists it, the entry alone is left.
        Gone = "gone",
        /// The package that it works with is missing or damaged: one that was supplied, or its own copy of what it installed.
        Package = "package",
        /// It cannot read what it was asked: a fault of this program.
        Ours = "ours",
    }
}

impl ExitMeaning {
    /// Whether it says something of a product that asks for secrets, and of no other.
    pub(super) const fn is_of_secrets_alone(self) -> bool {
        match self {
            Self::PerhapsSecret => true,
            Self::Busy
            | Self::RestartAfter
            | Self::RestartFirst
            | Self::Secret
            | Self::Forbidden
            | Self::Cancelled
            | Self::Gone
            | Self::Package
            | Self::Ours => false,
        }
    }
}

words! {
    /// Whose exit codes are meant.
    pub enum Installer("installer") {
        /// apt and dpkg.
        Apt = "apt",
        /// dnf.
        Dnf = "dnf",
        /// yum.
        Yum = "yum",
        /// zypper.
        Zypper = "zypper",
        /// Windows Installer.
        Msi = "msi",
    }
}

impl From<PackageManager> for Installer {
    fn from(manager: PackageManager) -> Self {
        match manager {
            PackageManager::Apt => Self::Apt,
            PackageManager::Dnf => Self::Dnf,
            PackageManager::Yum => Self::Yum,
            PackageManager::Zypper => Self::Zypper,
            PackageManager::Msi => Self::Msi,
        }
    }
}

/// One exit code, as a recipe's `[[exit]]` or the common table has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exit {
    /// Whose. In a recipe it may be left out: then whichever installs or removes the product.
    #[serde(default)]
    pub installer: Option<Installer>,
    /// The code; never 0, which says nothing that a look does not.
    pub code: i32,
    /// What it means.
    pub means: ExitMeaning,
    /// Where that was read.
    pub fact: String,
}

impl Exit {
    fn is_of(&self, installer: Installer, code: i32) -> bool {
        self.code == code && self.installer.is_none_or(|its| its == installer)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    schema: u32,
    exit: Vec<Exit>,
}

fn read(text: &str) -> Result<Vec<Exit>, String> {
    let table: Table = toml::from_str(text).map_err(|error| error.to_string())?;
    if table.schema != 1 {
        return Err(format!("schema {} is not known to this version", table.schema));
    }
    if table.exit.iter().any(|exit| exit.installer.is_none()) {
        return Err("the common table names the installer of each code".to_owned());
    }
    if let Some(exit) = table.exit.iter().find(|exit| exit.means.is_of_secrets_alone()) {
        return Err(format!(
            "exit {}: `{}` goes into the recipes of products that take a secret",
            exit.code, exit.means
        ));
    }
    check(&table.exit)?;
    Ok(table.exit)
}

fn common() -> &'static [Exit] {
    static READ: LazyLock<Vec<Exit>> =
        LazyLock::new(|| read(TABLE).expect("a test reads the table that is compiled in"));
    &READ
}

/// Whether codes make sense, in words.
pub(super) fn check(exits: &[Exit]) -> Result<(), String> {
    for (at, exit) in exits.iter().enumerate() {
        let code = exit.code;
        if code == 0 {
            return Err(
                "exit: 0 is success as far as a code can say it, and the look decides; leave it out".to_owned(),
            );
        }
        if exit.fact.trim().is_empty() {
            return Err(format!("exit {code}: `fact` is empty; say where that was read"));
        }
        let is_same = |other: &Exit| other.code == code && (other.installer == exit.installer);
        if exits.iter().skip(at + 1).any(is_same) {
            return Err(format!("exit {code}: it stands there twice; leave one out"));
        }
    }
    Ok(())
}

/// What a code of this installer means, by its recipe first.
fn meaning(own: &[Exit], installer: Installer, code: i32) -> Option<ExitMeaning> {
    let mut all = own.iter().chain(common());
    all.find(|exit| exit.is_of(installer, code)).map(|exit| exit.means)
}

impl Catalog {
    /// What the exit code of a step means, and of which product it speaks. `None`: nothing that is known.
    #[must_use]
    pub fn exit_meaning<'s>(&self, step: &'s Step, code: i32) -> Option<(ExitMeaning, Option<&'s ProductId>)> {
        let (manager, product) = (step.action.manager()?, step.action.product());
        let recipe = product.and_then(|product| self.recipes.get(product));
        let own = recipe.map_or(&[][..], |recipe| &recipe.exits);
        Some((meaning(own, manager.into(), code)?, product))
    }
}

#[cfg(test)]
mod tests {
    use cutover_proto::step::Action;

    use super::*;

    #[test]
    fn the_common_table_is_sound_and_tells_the_codes_of_windows_installer_and_zypper() {
        let of = |installer, code| meaning(&[], installer, code);
        assert_eq!(of(Installer::Msi, 1618), Some(ExitMeaning::Busy));
        assert_eq!(of(Installer::Msi, 3010), Some(ExitMeaning::RestartAfter));
        assert_eq!(of(Installer::Msi, 1641), Some(ExitMeaning::RestartAfter));
        assert_eq!(of(Installer::Msi, 1625), Some(ExitMeaning::Forbidden));
        assert_eq!(of(Installer::Zypper, 102), Some(ExitMeaning::RestartAfter));
        assert_eq!(of(Installer::Msi, 1602), Some(ExitMeaning::Cancelled));
        assert_eq!(of(Installer::Msi, 1605), Some(ExitMeaning::Gone));
        for code in [1612, 1619, 1620] {
            assert_eq!(of(Installer::Msi, code), Some(ExitMeaning::Package), "{code}");
        }
        assert_eq!(of(Installer::Msi, 1639), Some(ExitMeaning::Ours));
        assert_eq!(of(Installer::Msi, 1603), None, "what it means only its log tells");
        assert_eq!(of(Installer::Apt, 1618), None);
    }

    #[test]
    fn a_removal_by_windows_installer_speaks_by_its_codes() {
        let step = Step {
            action: Action::RemovePackages {
                manager: PackageManager::Msi,
                product: "kes-windows".into(),
                packages: vec!["{6C5B5F8A-0E0D-4B6A-9C1A-2B1F3E4D5C6B}".to_owned()],
            },
            time_limit: std::time::Duration::from_secs(60),
            safe_point_after: true,
        };
        let catalog = Catalog::built_in().unwrap();
        let means = |code| catalog.exit_meaning(&step, code).map(|(means, _)| means);
        assert_eq!(means(1618), Some(ExitMeaning::Busy));
        assert_eq!(means(3010), Some(ExitMeaning::RestartAfter));
        assert_eq!(means(7), None, "that is zypper's");
    }

    #[test]
    fn a_recipes_own_code_comes_before_the_common_one() {
        let own = Exit {
            installer: None,
            code: 7,
            means: ExitMeaning::Secret,
            fact: "a test".to_owned(),
        };
        assert_eq!(
            meaning(std::slice::from_ref(&own), Installer::Zypper, 7),
            Some(ExitMeaning::Secret)
        );
        let apts = Exit {
            installer: Some(Installer::Apt),
            ..own
        };
        assert_eq!(meaning(&[apts], Installer::Zypper, 7), Some(ExitMeaning::Busy));
    }

    #[test]
    fn codes_that_make_no_sense_are_refused_with_what_to_do() {
        let exit = |text: &str| read(&format!("schema = 1\n[[exit]]\n{text}")).unwrap_err();
        assert!(exit("installer = \"apt\"\ncode = 0\nmeans = \"busy\"\nfact = \"f\"").contains("leave it out"));
        assert!(exit("installer = \"apt\"\ncode = 1\nmeans = \"busy\"\nfact = \" \"").contains("where that was read"));
        assert!(exit("code = 1\nmeans = \"busy\"\nfact = \"f\"").contains("names the installer"));
        assert!(exit("installer = \"apt\"\ncode = 1\nmeans = \"success\"\nfact = \"f\"").contains("success"));
        let one = "installer = \"apt\"\ncode = 1\nmeans = \"busy\"\nfact = \"f\"";
        assert!(exit(&format!("{one}\n[[exit]]\n{one}")).contains("twice"));
        let perhaps = "installer = \"msi\"\ncode = 1603\nmeans = \"perhaps-secret\"\nfact = \"f\"";
        assert!(exit(perhaps).contains("recipes of products that take a secret"));
        assert!(read("schema = 2\nexit = []").unwrap_err().contains("schema 2"));
    }
}
