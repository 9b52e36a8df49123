//! A model check of the recipes: every set of targets with every replacement, every step before and after which an order may end,
//! by whatever fault, and all of that again in the orders that follow. What is true of the machine is kept beside what the server
//! makes of it. How long nothing may protect without an alarm is counted from that account (`decide/tests/gap.rs`).

use std::collections::BTreeSet;

use cutover_proto::{
    step::{Purpose, SetUpState},
    verdict::{Health, Verdict},
};

use super::*;
use crate::{campaign::Campaign, plan::Known};

/// Orders on one machine: the first, and two more after it.
const ORDERS: u32 = 3;
const TARGETS: [&str; 3] = ["kesl-gui", "kesl", "klnagent64"];

/// What is true of a machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Machine {
    targets: BTreeSet<&'static str>,
    fetched: bool,
    installed: bool,
    started: BTreeSet<String>,
    onboarded: bool,
    passive: bool,
}

/// A replacement, as the catalog has it.
struct Replacement<'a> {
    product: ProductId,
    install: &'a Install,
}

impl Replacement<'_> {
    /// Whether it does its work on the machine. What has to be onboarded does nothing before.
    fn protects(&self, machine: &Machine) -> bool {
        let has_started = |service: &String| machine.started.contains(service);
        machine.installed
            && self.install.services.iter().all(has_started)
            && (machine.onboarded || !self.install.onboard)
            && !machine.passive
    }

    /// Whether what protects may go, as far as this one is concerned.
    fn is_ready(&self, machine: &Machine) -> bool {
        let (_, but_last) = self.install.services.split_last().unzip();
        let has_started = |service: &String| machine.started.contains(service);
        let is_onboarded = machine.onboarded || !self.install.onboard;
        match self.install.beside {
            Beside::First => self.protects(machine),
            Beside::Halfway => {
                machine.installed && but_last.unwrap_or_default().iter().all(has_started) && is_onboarded
            }
            Beside::Passive => machine.installed && machine.passive && is_onboarded,
            // What is a part of the system is there. Whether it may take over, preconditions ask.
            Beside::Never => machine.fetched || self.install.part_of_system,
        }
    }

    /// What its look says of it.
    fn health(&self, machine: &Machine) -> Health {
        let can_stand_back =
            self.install.part_of_system || (self.install.beside == Beside::Passive && machine.onboarded);
        let stands_back = can_stand_back && machine.passive;
        let (state, grade) = match (self.protects(machine), stands_back) {
            (true, _) => (HealthState::Healthy, self.install.grade),
            (false, true) => (HealthState::Healthy, Protection::Passive),
            (false, false) => (HealthState::Unhealthy, Protection::None),
        };
        Health {
            state,
            why: String::new(),
            grade,
            tenant: None,
        }
    }
}

impl Machine {
    fn carrying(targets: impl IntoIterator<Item = &'static str>) -> Self {
        Self {
            targets: targets.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Two that decide about every file before it is opened.
    fn is_held_up_twice(&self, replacement: &Replacement<'_>) -> bool {
        self.targets.contains("kesl") && replacement.install.is_blocking() && replacement.protects(self)
    }

    fn protection(&self, replacement: &Replacement<'_>) -> Protection {
        if self.targets.contains("kesl") {
            Protection::RealTime
        } else if replacement.protects(self) {
            replacement.install.grade
        } else {
            Protection::None
        }
    }

    fn look(&self, replacement: &Replacement<'_>) -> Inventory {
        let verdict = |product: &str| match product {
            "kesl" => Verdict::Running,
            _ => Verdict::Installed,
        };
        let mut seen = self
            .targets
            .iter()
            .fold(inventory(), |seen, product| with(seen, product, verdict(product)));
        if self.installed {
            seen = with(seen, replacement.product.as_str(), Verdict::Installed);
            if let Some(sighting) = seen.sightings.last_mut() {
                sighting.health = Some(replacement.health(self));
            }
        }
        seen.protection = self.protection(replacement);
        seen
    }

    /// The step's work is done on it.
    fn take(&mut self, step: &Step) {
        if let Action::EnableService { services, .. } = &step.action {
            self.started.extend(services.iter().cloned());
        }
        if let Action::SetUp { state, .. } = &step.action {
            match state {
                SetUpState::StandingBack => self.passive = true,
                SetUpState::Onboarded => self.onboarded = true,
                SetUpState::Active => self.passive = false,
            }
        }
        match step.action.purpose() {
            Purpose::Fetch(_) => self.fetched = true,
            Purpose::Install(_) => self.installed = true,
            Purpose::Remove(product) => self.targets.retain(|target| *target != product.as_str()),
            Purpose::Repair
            | Purpose::Configure(_)
            | Purpose::Start(_)
            | Purpose::Prove(_)
            | Purpose::Sweep(_)
            | Purpose::Restart => {}
        }
    }
}

/// One catalog, one replacement, and how its orders are made.
struct Model<'a> {
    catalog: &'a Catalog,
    replacement: Replacement<'a>,
    campaign: Campaign,
    /// Where there is a file of what comes as files alone.
    shelf: Shelf,
    /// Whether test files are shown to what can be shown one.
    shows_test: bool,
    /// What is done to an order that was composed; nothing where the recipes are checked.
    spoil: fn(&mut Vec<Step>),
    seen: BTreeSet<(u32, Machine)>,
    orders: usize,
}

impl<'a> Model<'a> {
    fn new(catalog: &'a Catalog, product: &'static str, shows_test: bool, spoil: fn(&mut Vec<Step>)) -> Self {
        let product = ProductId::new(product);
        let install = catalog.installation(&product).unwrap();
        let named = campaign("")
            .source
            .replace("product = \"clamav\"", &format!("product = \"{product}\""));
        Self {
            campaign: Campaign::parse("model.toml", &named, 1).unwrap(),
            shelf: Shelf::new(vec![falcon::shelved("falcon-sensor_7.20.0-17306_amd64.deb", 1)]),
            shows_test,
            replacement: Replacement { product, install },
            catalog,
            spoil,
            seen: BTreeSet::new(),
            orders: 0,
        }
    }

    /// Every way from this machine on. What must not be, in words, where there is such a way.
    fn explore(&mut self, machine: &Machine, order: u32) -> Result<(), String> {
        if order > ORDERS || !self.seen.insert((order, machine.clone())) {
            return Ok(());
        }
        let assessment = assess(
            &machine.look(&self.replacement),
            &Known::default(),
            &self.campaign,
            self.catalog,
        );
        let settings = Settings::new();
        let means = Means {
            catalog: self.catalog,
            settings: &settings,
            source: None,
            tenant: None,
            shelf: &self.shelf,
            shows_test: self.shows_test,
        };
        let mut steps = match compose(&assessment, &self.replacement.product, &means) {
            Ok(steps) => steps,
            Err(ComposeError::NothingToDo) => return self.is_over(machine),
            Err(error) => return Err(format!("{machine:?}: {error}")),
        };
        (self.spoil)(&mut steps);
        self.orders += 1;
        let mut at = machine.clone();
        let mut account = machine.protection(&self.replacement);
        let began = account;
        for (index, step) in steps.iter().enumerate() {
            self.explore(&at, order + 1)?;
            self.may_begin(&at, step)?;
            at.take(step);
            self.holds(&at, step)?;
            let is_proof = matches!(step.action.purpose(), Purpose::Prove(_));
            if is_proof && !self.replacement.protects(&at) {
                // What protects nothing names no test file, so the order fails here.
                return self.explore(&at, order + 1);
            }
            // Its end is not told as one: the look after it tells.
            self.explore(&at, order + 1)?;
            account = self
                .catalog
                .protection_after(&steps, index, &self.replacement.product)
                .unwrap_or(account);
            let truth = at.protection(&self.replacement);
            if truth == Protection::None && account != Protection::None {
                return Err(format!(
                    "{}: the account says {account}, and nothing protects",
                    step.action.describe()
                ));
            }
            let is_exposed = truth == Protection::None && began != Protection::None;
            if step.safe_point_after && is_exposed {
                return Err(format!(
                    "{}: an order may end there, and nothing protects",
                    step.action.describe()
                ));
            }
        }
        self.is_over(&at)
    }

    fn may_begin(&self, machine: &Machine, step: &Step) -> Result<(), String> {
        let Purpose::Remove(product) = step.action.purpose() else {
            return Ok(());
        };
        if self.catalog.protects(product) && !self.replacement.is_ready(machine) {
            return Err(format!("{product} goes before {} is ready", self.replacement.product));
        }
        Ok(())
    }

    fn holds(&self, machine: &Machine, step: &Step) -> Result<(), String> {
        if machine.is_held_up_twice(&self.replacement) {
            return Err(format!("{}: two hold every file up", step.action.describe()));
        }
        Ok(())
    }

    /// At the end of an order that went through, and where there is nothing to do.
    fn is_over(&self, machine: &Machine) -> Result<(), String> {
        if machine.targets.is_empty() && self.replacement.protects(machine) {
            return Ok(());
        }
        Err(format!("it is called done: {machine:?}"))
    }
}

/// Every set of targets, none too.
fn sets() -> impl Iterator<Item = Machine> {
    (0..1_u32 << TARGETS.len()).map(|set| {
        let chosen = TARGETS.iter().enumerate().filter(move |(bit, _)| set & (1 << bit) != 0);
        Machine::carrying(chosen.map(|(_, target)| *target))
    })
}

fn model(catalog: &Catalog, product: &'static str, spoil: fn(&mut Vec<Step>)) -> (Result<(), String>, usize) {
    let mut orders = 0;
    // Where a campaign has test files shown, and where it has none.
    let result = [true, false].into_iter().try_for_each(|shows_test| {
        let mut model = Model::new(catalog, product, shows_test, spoil);
        let is_there = model.replacement.install.part_of_system;
        let result = sets().try_for_each(|machine| {
            let machine = Machine {
                installed: is_there,
                passive: is_there,
                ..machine
            };
            model.explore(&machine, 1)
        });
        orders += model.orders;
        result
    });
    (result, orders)
}

const REPLACEMENTS: [&str; 6] = [
    "clamav",
    "clamav-daemon",
    "clamav-on-access",
    "crowdstrike-falcon",
    PART_OF_SYSTEM,
    "defender-endpoint",
];
/// A part of Windows, on this machine which is no system's: what the order does is the same.
const PART_OF_SYSTEM: &str = "defender-antivirus";

#[test]
fn no_order_of_faults_removes_what_protects_too_early_or_has_two_hold_files_up_or_is_kept_from_the_account() {
    let named: BTreeSet<ProductId> = REPLACEMENTS.iter().map(|name| ProductId::new(*name)).collect();
    let with_recipes = catalog().recipes;
    let installed = with_recipes.values().filter(|recipe| recipe.install.is_some());
    let all: BTreeSet<ProductId> = installed.map(|recipe| recipe.product.clone()).collect();
    assert_eq!(all, named, "every replacement is checked");
    for product in REPLACEMENTS {
        let (result, orders) = model(&catalog(), product, |_| {});
        assert_eq!(result, Ok(()), "{product}");
        assert!(orders > 20, "{product}: {orders} orders");
    }
    let (result, _) = model(&removal_first(), "clamav", |_| {});
    assert_eq!(result, Ok(()), "removal first");
}

fn position(steps: &[Step], is_it: impl Fn(&Action) -> bool) -> Option<usize> {
    steps.iter().position(|step| is_it(&step.action))
}

fn is_set_up(wanted: SetUpState) -> impl Fn(&Action) -> bool {
    move |action| matches!(action, Action::SetUp { state, .. } if *state == wanted)
}

fn removes_kesl(action: &Action) -> bool {
    matches!(action.purpose(), Purpose::Remove(product) if product.as_str() == "kesl")
}

#[test]
fn a_recipe_that_removes_first_is_seen() {
    let first = |steps: &mut Vec<Step>| {
        if let Some(at) = position(steps, removes_kesl) {
            let removal = steps.remove(at);
            steps.insert(0, removal);
        }
    };
    // What is there already comes after the removal as it should.
    for product in REPLACEMENTS.into_iter().filter(|product| *product != PART_OF_SYSTEM) {
        let (result, _) = model(&catalog(), product, first);
        assert!(result.unwrap_err().contains("goes before"), "{product}");
    }
    assert!(model(&removal_first(), "clamav", first).0.is_err());
}

#[test]
fn a_recipe_that_does_not_stand_back_or_is_not_onboarded_or_never_takes_over_is_seen() {
    let without = |state: SetUpState| -> fn(&mut Vec<Step>) {
        match state {
            SetUpState::StandingBack => |steps| steps.retain(|step| !is_set_up(SetUpState::StandingBack)(&step.action)),
            SetUpState::Onboarded => |steps| steps.retain(|step| !is_set_up(SetUpState::Onboarded)(&step.action)),
            // And with nothing that would show it.
            SetUpState::Active => |steps| {
                steps.retain(|step| !is_set_up(SetUpState::Active)(&step.action));
                steps.retain(|step| step.action.kind() != StepKind::DetectionTest);
            },
        }
    };
    let why = |state| model(&catalog(), "defender-endpoint", without(state)).0.unwrap_err();
    assert!(why(SetUpState::StandingBack).contains("two hold every file up"));
    assert!(
        why(SetUpState::Onboarded).contains("goes before"),
        "{}",
        why(SetUpState::Onboarded)
    );
    assert!(
        why(SetUpState::Active).contains("nothing protects"),
        "{}",
        why(SetUpState::Active)
    );
}

#[test]
fn a_part_of_the_system_that_nothing_has_take_over_is_seen() {
    let (result, _) = model(&catalog(), PART_OF_SYSTEM, |steps| {
        steps.retain(|step| !is_set_up(SetUpState::Active)(&step.action));
    });
    assert!(result.unwrap_err().contains("it is called done"));
}

#[test]
fn one_that_is_not_onboarded_after_the_targets_went_is_seen() {
    let (result, _) = model(&catalog(), "crowdstrike-falcon", |steps| {
        steps.retain(|step| !is_set_up(SetUpState::Onboarded)(&step.action));
    });
    let why = result.unwrap_err();
    assert!(
        why.contains("the account says real-time, and nothing protects"),
        "{why}"
    );
    // Nor is one believed that nothing looks at after it was onboarded.
    let (result, _) = model(&catalog(), "crowdstrike-falcon", |steps| {
        steps.retain(|step| !is_set_up(SetUpState::Active)(&step.action));
    });
    let why = result.unwrap_err();
    assert!(
        why.contains("the account says real-time, and nothing protects"),
        "{why}"
    );
}

#[test]
fn a_step_in_the_gap_that_is_called_safe_is_seen() {
    let all_safe = |steps: &mut Vec<Step>| steps.iter_mut().for_each(|step| step.safe_point_after = true);
    for product in [
        "clamav-on-access",
        "crowdstrike-falcon",
        PART_OF_SYSTEM,
        "defender-endpoint",
    ] {
        let (result, _) = model(&catalog(), product, all_safe);
        assert!(result.unwrap_err().contains("an order may end there"), "{product}");
    }
}

#[test]
fn one_that_holds_files_up_too_early_is_seen() {
    let (result, _) = model(&catalog(), "clamav-on-access", |steps| {
        let Some(at) = position(steps, removes_kesl) else {
            return;
        };
        let removal = steps.remove(at);
        steps.push(removal);
    });
    assert!(result.unwrap_err().contains("two hold every file up"));
}
