//! What an organisation may have set on a Windows against Microsoft Defender Antivirus, and whether somebody sets it again.
//!
//! A value below `Policies` is written by group policy, by whatever deploys software, or by a person; nothing beside it tells
//! which. It is taken for the machine's own only where nothing that would write it again can reach the machine: it belongs to no
//! domain, is enrolled in no device management and has no group policy of its own. Everything else, and what could not be told, is somebody's.

use cutover_proto::{
    inventory::OsFamily,
    policy::{Policy, PolicySeen, PolicyState},
    rule::KnownFolder,
};

use super::{HostPath, HostView, Links};
use crate::facts::{Answer, Question, RegistryKey, RegistryValue, Reply};

/// Key and value of a policy, as it is usually written.
#[cfg(any(windows, test))]
pub(crate) const fn place(policy: Policy) -> (&'static str, &'static str) {
    places(policy)[0]
}

/// Every key and value that says so. The others than the first are of earlier versions, or keep a part off without which it protects
/// nothing.
const fn places(policy: Policy) -> &'static [(&'static str, &'static str)] {
    match policy {
        Policy::DefenderOff => &[
            (r"SOFTWARE\Policies\Microsoft\Windows Defender", "DisableAntiSpyware"),
            (r"SOFTWARE\Policies\Microsoft\Windows Defender", "DisableAntiVirus"),
            (
                r"SOFTWARE\Policies\Microsoft\Windows Defender\Real-Time Protection",
                "DisableRealtimeMonitoring",
            ),
        ],
        Policy::DefenderPassive => &[(
            r"SOFTWARE\Policies\Microsoft\Windows Advanced Threat Protection",
            "ForceDefenderPassiveMode",
        )],
    }
}

/// Programs of those who manage a machine that need belong to no domain: they set values again.
const MANAGERS: [&str; 2] = ["CcmExec", "IntuneManagementExtension"];

/// Where Windows keeps the tasks of an enrolment in device management.
const ENROLMENT: &str = r"\Microsoft\Windows\EnterpriseMgmt\";

/// Group policy that is set on the machine itself, below the folder of Windows.
const LOCAL_GROUP_POLICY: &str = r"System32\GroupPolicy\Machine\Registry.pol";

/// Every policy that is looked for, on systems that have it.
pub(crate) fn look(view: &dyn HostView) -> Vec<PolicySeen> {
    match view.os_family() {
        OsFamily::Windows => Policy::ALL.iter().map(|policy| seen(view, *policy)).collect(),
        OsFamily::Linux | OsFamily::Macos => Vec::new(),
    }
}

/// One of them: the first of its values that is set, or could not be read.
pub(crate) fn seen(view: &dyn HostView, policy: Policy) -> PolicySeen {
    let mut all = places(policy).iter().map(|place| seen_at(view, policy, *place));
    let unset = PolicySeen {
        policy,
        state: PolicyState::Unset,
        detail: String::new(),
    };
    all.find(|seen| seen.state != PolicyState::Unset).unwrap_or(unset)
}

fn seen_at(view: &dyn HostView, policy: Policy, (key, value): (&str, &str)) -> PolicySeen {
    let question = Question::Registry {
        is_32: false,
        key: key.to_owned(),
        values: vec![value.to_owned()],
    };
    let told = |state, detail: String| PolicySeen { policy, state, detail };
    match view.ask(&question).parsed(Reply::registry) {
        Answer::Found(found) => match set(&found, value) {
            None => told(PolicyState::Unset, String::new()),
            Some(words) => {
                let (state, by) = whose(view);
                told(state, format!(r"HKLM\{key}, {value} = {words} ({by})"))
            }
        },
        Answer::Absent => told(PolicyState::Unset, String::new()),
        Answer::Unsupported => told(
            PolicyState::Unknown,
            "this Windows does not tell its registry".to_owned(),
        ),
        Answer::Denied(why) | Answer::Failed(why) => told(PolicyState::Unknown, why),
    }
}

/// What is set, in words; `None` where nothing is: the value is not there, or is 0. What is no number is no 0.
fn set(key: &RegistryKey, value: &str) -> Option<String> {
    match key.values.get(value)? {
        RegistryValue::Number(0) => None,
        RegistryValue::Number(number) => Some(number.to_string()),
        RegistryValue::Text(_) | RegistryValue::Hex(_) => Some("something that is no number".to_owned()),
    }
}

/// Whether anything would write it again, and in words what.
fn whose(view: &dyn HostView) -> (PolicyState, &'static str) {
    match view.ask(&Question::DomainJoin).parsed(Reply::domain_join) {
        Answer::Found(true) => {
            return (
                PolicyState::Foreign,
                "this machine belongs to a domain, whose group policy may set it",
            );
        }
        Answer::Found(false) => {}
        Answer::Absent | Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_) => {
            return (
                PolicyState::Foreign,
                "whether this machine belongs to a domain is not known, so it counts as set by group policy",
            );
        }
    }
    match is_managed(view) {
        Answer::Found(false) => {}
        Answer::Found(true) => {
            return (
                PolicyState::Foreign,
                "this machine is enrolled in device management, which may set it",
            );
        }
        Answer::Absent | Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_) => {
            return (
                PolicyState::Foreign,
                "whether this machine is enrolled in device management is not known, so it counts as set by that",
            );
        }
    }
    let root = view
        .ask(&Question::Folder(KnownFolder::SystemRoot))
        .parsed(Reply::folder);
    let file = root.and_then(|root| {
        let path = HostPath::windows(&format!(r"{root}\{LOCAL_GROUP_POLICY}"));
        view.stat(&path, Links::Followed)
    });
    match file {
        Answer::Absent => (PolicyState::Local, "set on this machine alone"),
        Answer::Found(_) => (PolicyState::Foreign, "this machine has a group policy of its own"),
        Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_) => (
            PolicyState::Foreign,
            "whether this machine has a group policy of its own is not known, so it counts as set by one",
        ),
    }
}

/// Whether it is enrolled in device management, or has a program of those who manage it. Windows makes tasks of an enrolment's own.
fn is_managed(view: &dyn HostView) -> Answer<bool> {
    let services = view.ask(&Question::Services).parsed(Reply::services);
    let is_manager = |name: &str| MANAGERS.iter().any(|manager| name.eq_ignore_ascii_case(manager));
    services.and_then(|services| {
        if services.iter().any(|service| is_manager(&service.name)) {
            return Answer::Found(true);
        }
        let tasks = view.ask(&Question::Tasks).parsed(Reply::tasks);
        let is_its = |task: &String| task.to_lowercase().starts_with(&ENROLMENT.to_lowercase());
        tasks.and_then(|tasks| Answer::Found(tasks.iter().any(is_its)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{facts::EntryKind, host::Fixture};

    const FILE: &str = r"C:\Windows\System32\GroupPolicy\Machine\Registry.pol";

    fn question(policy: Policy) -> Question {
        let (key, value) = place(policy);
        Question::Registry {
            is_32: false,
            key: key.to_owned(),
            values: vec![value.to_owned()],
        }
    }

    fn with(host: Fixture, policy: Policy, value: RegistryValue) -> Fixture {
        let (key, name) = place(policy);
        host.with_registry(key, &[(name, value)])
    }

    fn workgroup() -> Fixture {
        Fixture::windows("of no domain")
            .with_reply(&Question::DomainJoin, Reply::DomainJoin(false))
            .with_reply(&Question::Tasks, Reply::Tasks(Vec::new()))
    }

    fn state(host: &Fixture, policy: Policy) -> PolicyState {
        let all = look(host);
        assert_eq!(all.len(), Policy::ALL.len(), "{all:?}");
        all.into_iter().find(|seen| seen.policy == policy).unwrap().state
    }

    #[test]
    fn a_value_that_is_not_there_or_is_0_is_not_set() {
        for policy in Policy::ALL {
            assert_eq!(state(&workgroup(), *policy), PolicyState::Unset);
            let zero = with(workgroup(), *policy, RegistryValue::Number(0));
            assert_eq!(state(&zero, *policy), PolicyState::Unset);
            let (key, _) = place(*policy);
            let empty = workgroup().with_reply(&question(*policy), Reply::Registry(RegistryKey::default()));
            assert_eq!(state(&empty, *policy), PolicyState::Unset, "{key}");
        }
    }

    #[test]
    fn a_value_that_could_not_be_read_is_not_taken_for_none() {
        for policy in Policy::ALL {
            for answer in [
                Answer::Denied("run as administrator".to_owned()),
                Answer::Failed("it hangs".to_owned()),
                Answer::Unsupported,
            ] {
                let host = workgroup().with_no_reply(&question(*policy), answer);
                assert_eq!(state(&host, *policy), PolicyState::Unknown);
            }
        }
    }

    #[test]
    fn what_is_set_is_the_machines_own_only_where_nothing_would_set_it_again() {
        let one = RegistryValue::Number(1);
        for policy in Policy::ALL {
            let set = |host: Fixture| with(host, *policy, one.clone());
            assert_eq!(state(&set(workgroup()), *policy), PolicyState::Local);
            let joined = workgroup().with_reply(&Question::DomainJoin, Reply::DomainJoin(true));
            assert_eq!(state(&set(joined), *policy), PolicyState::Foreign);
            let untold = workgroup().with_no_reply(&Question::DomainJoin, Answer::Failed("it hangs".to_owned()));
            assert_eq!(state(&set(untold), *policy), PolicyState::Foreign);
            let governed = workgroup().with_windows_path(FILE, EntryKind::File);
            assert_eq!(state(&set(governed), *policy), PolicyState::Foreign);
            let folder = Question::Folder(KnownFolder::SystemRoot);
            let untold = workgroup().with_no_reply(&folder, Answer::Denied("not yours".to_owned()));
            assert_eq!(state(&set(untold), *policy), PolicyState::Foreign);
            // Whatever it means, it is not nothing.
            let odd = with(workgroup(), *policy, RegistryValue::Text("1".to_owned()));
            assert_eq!(state(&odd, *policy), PolicyState::Local);
        }
    }

    #[test]
    fn what_manages_a_machine_that_belongs_to_no_domain_sets_it_again() {
        let set = |host: Fixture| with(host, Policy::DefenderPassive, RegistryValue::Number(1));
        let told = |host: Fixture| state(&set(host), Policy::DefenderPassive);
        for manager in MANAGERS {
            let host = workgroup().with_service(manager, r"C:\manager.exe", false);
            assert_eq!(told(host), PolicyState::Foreign, "{manager}");
        }
        let task = |path: &str| workgroup().with_reply(&Question::Tasks, Reply::Tasks(vec![path.to_owned()]));
        assert_eq!(
            told(task(
                r"\Microsoft\Windows\EnterpriseMgmt\{0}\Schedule #1 created by enrollment client"
            )),
            PolicyState::Foreign
        );
        assert_eq!(
            told(task(r"\Microsoft\Windows\Defrag\ScheduledDefrag")),
            PolicyState::Local
        );
        for unread in [Question::Tasks, Question::Services] {
            let host = workgroup().with_no_reply(&unread, Answer::Denied("not yours".to_owned()));
            assert_eq!(told(host), PolicyState::Foreign, "{unread}");
        }
    }

    #[test]
    fn real_time_protection_that_a_policy_keeps_off_is_as_good_as_defender_off() {
        for (key, name) in places(Policy::DefenderOff) {
            let host = workgroup().with_registry(key, &[(name, RegistryValue::Number(1))]);
            let seen = seen(&host, Policy::DefenderOff);
            assert_eq!(seen.state, PolicyState::Local, "{name}");
            assert!(seen.detail.contains(&format!("{key}, {name} = 1")), "{}", seen.detail);
            let unread = Question::Registry {
                is_32: false,
                key: (*key).to_owned(),
                values: vec![(*name).to_owned()],
            };
            let host = workgroup().with_no_reply(&unread, Answer::Failed("it hangs".to_owned()));
            assert_eq!(state(&host, Policy::DefenderOff), PolicyState::Unknown, "{name}");
        }
    }

    #[test]
    fn what_is_set_is_told_with_its_key_and_whose_it_may_be() {
        let host = with(workgroup(), Policy::DefenderOff, RegistryValue::Number(1));
        assert_eq!(
            seen(&host, Policy::DefenderOff).detail,
            r"HKLM\SOFTWARE\Policies\Microsoft\Windows Defender, DisableAntiSpyware = 1 (set on this machine alone)"
        );
        let host = with(workgroup(), Policy::DefenderPassive, RegistryValue::Number(1))
            .with_reply(&Question::DomainJoin, Reply::DomainJoin(true));
        assert_eq!(
            seen(&host, Policy::DefenderPassive).detail,
            r"HKLM\SOFTWARE\Policies\Microsoft\Windows Advanced Threat Protection, ForceDefenderPassiveMode = 1 (this machine belongs to a domain, whose group policy may set it)"
        );
    }

    #[test]
    fn other_systems_have_none_of_them() {
        assert_eq!(look(&Fixture::bare(OsFamily::Linux, "a Debian")), []);
    }
}
