use std::collections::{BTreeMap, BTreeSet};

use cutover_proto::ids::HostId;
use proptest::prelude::*;

use super::*;
use crate::{
    samples,
    standing::{Headline, Standing, Totals},
};

fn host(n: u8) -> HostId {
    format!("01890000-0000-7000-8000-0000000000{n:02x}").parse().unwrap()
}

fn record(asset_id: &str, source: &str, identity: Identity) -> Record {
    Record {
        asset_id: asset_id.to_owned(),
        source: source.to_owned(),
        identity,
        pin: None,
    }
}

fn machine(n: u8, identity: Identity) -> Machine {
    Machine {
        host_id: host(n),
        identity,
    }
}

fn is_host(n: u8, by: IdentifierKind) -> Place {
    Place::Host {
        host_id: host(n),
        by: Some(by),
    }
}

const UUID: &str = "{4C4C4544-0042-3510-8054-B7C04F4E4D32}";

#[test]
fn the_strongest_identifier_that_is_shared_decides() {
    let machines = [
        machine(1, Identity::of("PF-2X9", "", "", "pc-1")),
        machine(2, Identity::of("", UUID, "", "pc-2")),
        machine(3, Identity::of("", "", "pc-3.corp.example", "pc-3")),
        machine(4, Identity::of("", "", "", "pc-4")),
    ];
    let records = [
        record("a", "ad", Identity::of("pf2x9", "", "", "old-name")),
        record("b", "ad", Identity::of("", &UUID.to_lowercase(), "", "")),
        record("c", "ad", Identity::of("", "", "PC-3.corp.example.", "")),
        record("d", "ad", Identity::of("", "", "", "CORP\\PC-4$")),
        record("e", "ad", Identity::of("", "", "", "pc-5")),
    ];
    assert_eq!(
        resolve(&records, &machines),
        [
            is_host(1, IdentifierKind::Serial),
            is_host(2, IdentifierKind::Uuid),
            is_host(3, IdentifierKind::Fqdn),
            is_host(4, IdentifierKind::Name),
            Place::Alone,
        ]
    );
}

#[test]
fn placeholders_match_nothing() {
    for serial in [
        "To be filled by O.E.M.",
        "Default string",
        "System Serial Number",
        "0",
        "0000000000",
        "N/A",
        "  ",
        "None",
        "123456789",
    ] {
        assert!(Identity::of(serial, "", "", "").is_empty(), "{serial}");
    }
    for uuid in [
        "00000000-0000-0000-0000-000000000000",
        "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
        "03000200-0400-0500-0006-000700080009",
        "not a uuid",
    ] {
        assert!(Identity::of("", uuid, "", "").is_empty(), "{uuid}");
    }
    for name in [
        "localhost",
        "localhost.localdomain",
        "10.0.0.1",
        "fe80::1",
        "-- none --",
    ] {
        assert!(Identity::of("", "", name, name).is_empty(), "{name}");
    }
}

#[test]
fn what_identifies_is_kept_in_the_spelling_in_which_it_is_compared() {
    let mut facts = samples::inventory().facts;
    facts.serial = "PF-2x9".to_owned();
    facts.system_uuid = UUID.to_owned();
    facts.fqdn = "PC-1.Corp.example.".to_owned();
    let identity = Identity::of_facts(&facts);
    let all: Vec<(IdentifierKind, &str)> = identity.iter().map(|it| (it.kind, it.value.as_str())).collect();
    assert_eq!(
        all,
        [
            (IdentifierKind::Serial, "PF2X9"),
            (IdentifierKind::Uuid, "4c4c4544004235108054b7c04f4e4d32"),
            (IdentifierKind::Fqdn, "pc-1.corp.example"),
            (IdentifierKind::Name, "pc-1"),
        ]
    );
    assert!(!identity.is_empty());
}

#[test]
fn what_is_too_short_too_long_or_not_whole_identifies_nothing() {
    let serial = |text: &str| Identity::of(text, "", "", "").get(IdentifierKind::Serial).map(str::len);
    assert_eq!([serial("AB"), serial("A-B"), serial("AB1")], [None, None, Some(3)]);
    let long = "AB1".repeat(85);
    assert_eq!([serial(&long), serial(&format!("{long}2"))], [Some(255), None]);
    let uuid = |text: &str| !Identity::of("", text, "", "").is_empty();
    let plain = "4c4c4544004235108054b7c04f4e4d32";
    assert!(uuid(plain));
    assert!(!uuid(&plain[..31]) && !uuid(&format!("{plain}0")) && !uuid(&plain.replace("32", "3z")));
    let fqdn = |text: &str| {
        Identity::of("", "", text, "")
            .get(IdentifierKind::Fqdn)
            .map(str::to_owned)
    };
    assert_eq!(fqdn("pc-1.corp.example").as_deref(), Some("pc-1.corp.example"));
    for none in [
        ".corp.example",
        "pc-1.",
        "pc-1..",
        ".",
        "pc-1",
        "localhost.corp.example",
        "pc 1.corp.example",
    ] {
        assert_eq!(fqdn(none), None, "{none}");
    }
}

#[test]
fn the_same_name_with_another_serial_is_for_a_person_to_decide() {
    let machines = [machine(1, Identity::of("NEW123", "", "", "pc-1"))];
    let records = [record("a", "cmdb", Identity::of("OLD999", "", "", "pc-1"))];
    let why = Why::Contradicted {
        by: IdentifierKind::Name,
        against: IdentifierKind::Serial,
    };
    assert_eq!(
        resolve(&records, &machines),
        [Place::Ambiguous {
            hosts: vec![host(1)],
            why
        }]
    );
    assert_eq!(why.to_string(), "the name is the same and the serial is another");
}

#[test]
fn two_hosts_of_one_name_are_not_guessed_between_and_a_person_can_say() {
    let machines = [
        machine(1, Identity::of("", "", "", "pc-1")),
        machine(2, Identity::of("", "", "", "pc-1")),
    ];
    let mut records = [record("a", "ad", Identity::of("", "", "", "pc-1"))];
    let why = Why::Several {
        by: IdentifierKind::Name,
    };
    assert_eq!(
        resolve(&records, &machines),
        [Place::Ambiguous {
            hosts: vec![host(1), host(2)],
            why
        }]
    );
    records[0].pin = Some(Pin::Host(host(2)));
    assert_eq!(
        resolve(&records, &machines),
        [Place::Host {
            host_id: host(2),
            by: None
        }]
    );
    records[0].pin = Some(Pin::NoHost);
    assert_eq!(resolve(&records, &machines), [Place::Alone]);
}

#[test]
fn of_two_records_of_one_source_the_weaker_is_not_the_host() {
    let machines = [machine(1, Identity::of("PF-2X9", "", "", "pc-1"))];
    let records = [
        record("a", "ad", Identity::of("PF-2X9", "", "", "")),
        record("b", "ad", Identity::of("", "", "", "pc-1")),
        record("c", "intune", Identity::of("", "", "", "pc-1")),
    ];
    let shared = Why::Shared {
        by: IdentifierKind::Name,
    };
    assert_eq!(
        resolve(&records, &machines),
        [
            is_host(1, IdentifierKind::Serial),
            Place::Ambiguous {
                hosts: vec![host(1)],
                why: shared
            },
            is_host(1, IdentifierKind::Name),
        ]
    );
}

#[test]
fn one_machine_without_agent_that_three_sources_name_counts_once() {
    let records = [
        record("a", "ad", Identity::of("", "", "", "pc-9")),
        record("b", "intune", Identity::of("S-900", "", "", "pc-9")),
        record("c", "crowdstrike", Identity::of("S-900", "", "", "")),
        record("d", "ad", Identity::of("", "", "", "pc-8")),
    ];
    let same = |by| Place::Same {
        asset_id: "a".to_owned(),
        by,
    };
    assert_eq!(
        resolve(&records, &[]),
        [
            Place::Alone,
            same(IdentifierKind::Name),
            same(IdentifierKind::Serial),
            Place::Alone
        ]
    );
}

#[test]
fn an_attestation_counts_until_its_end_and_the_worst_word_stands() {
    let clear = Attestation {
        claim: Claim::Clear,
        ends_ms: 10,
        at_ms: 0,
    };
    let carries = Attestation {
        claim: Claim::Carries,
        ends_ms: 5,
        at_ms: 0,
    };
    let of = |place: &Place, attested: &[Attestation], now_ms| {
        let known = Known {
            attested,
            looks: &[],
            rules: samples::campaign("").policy.look_rules(),
        };
        bucket(place, &known, now_ms)
    };
    let said = |attested: &[Attestation], now_ms| of(&Place::Alone, attested, now_ms);
    assert_eq!(said(&[], 0), Some(AssetBucket::Unknown));
    assert_eq!(said(&[clear, carries], 4), Some(AssetBucket::Carries));
    assert_eq!(said(&[clear, carries], 5), Some(AssetBucket::Clear));
    assert_eq!(said(&[clear], 10), Some(AssetBucket::Unknown));
    assert_eq!(of(&is_host(1, IdentifierKind::Name), &[clear], 0), None);
}

#[test]
fn a_word_goes_before_a_look_only_where_it_was_said_later() {
    let look = ImportedLook {
        sha256: String::new(),
        vouched: Vouched::Signed,
        taken_ms: 100,
        imported_ms: 200,
        found: Found::Carries,
        carried: true,
    };
    let said = |at_ms| {
        let known = Known {
            attested: &[Attestation {
                claim: Claim::Clear,
                ends_ms: 1000,
                at_ms,
            }],
            looks: std::slice::from_ref(&look),
            rules: samples::campaign("").policy.look_rules(),
        };
        bucket(&Place::Alone, &known, 500)
    };
    assert_eq!(said(99), Some(AssetBucket::SeenCarries));
    assert_eq!(said(100), Some(AssetBucket::SeenCarries));
    assert_eq!(said(101), Some(AssetBucket::Clear));
}

#[test]
fn an_asset_that_carries_is_overdue_from_the_target_on_and_at_risk_before() {
    let campaign = samples::campaign("");
    let target_ms = campaign.target_ms().unwrap();
    for bucket in AssetBucket::ALL {
        let standing = |now_ms| bucket.standing(now_ms, &campaign);
        let at_target = match bucket {
            AssetBucket::Carries | AssetBucket::SeenCarries | AssetBucket::SeenUnreplaced => {
                assert_eq!(standing(target_ms - 1), Some(Standing::AtRisk), "{bucket}");
                Some(Standing::Overdue)
            }
            AssetBucket::Unknown | AssetBucket::SeenLongAgo => Some(Standing::Unknown),
            AssetBucket::Replaced | AssetBucket::Clear | AssetBucket::SeenReplaced | AssetBucket::SeenClear => {
                Some(Standing::Compliant)
            }
            AssetBucket::Gone => None,
        };
        assert_eq!(standing(target_ms), at_target, "{bucket}");
    }
}

#[test]
fn an_asset_without_agent_is_unknown_in_every_denominator() {
    let campaign = samples::campaign("");
    let mut totals = Totals::default();
    for (bucket, count) in [
        (AssetBucket::Unknown, 3),
        (AssetBucket::Clear, 2),
        (AssetBucket::Replaced, 1),
        (AssetBucket::Carries, 1),
        (AssetBucket::Gone, 4),
    ] {
        totals.add_assets(bucket, count);
    }
    let headline = Headline::of(&totals, 0, &campaign);
    assert_eq!(headline.unknown.to_string(), "3 of 7 (43 %)");
    assert_eq!(headline.replaced.to_string(), "1 of 2 (50 %)");
    let standings = totals.by_standing(0, &campaign);
    assert_eq!(standings.get(&Some(Standing::Unknown)), Some(&3));
    assert_eq!(standings.values().sum::<i64>(), totals.expected());
    assert_eq!((totals.hosts(), totals.expected()), (0, 11));
}

fn identities() -> impl Strategy<Value = Identity> {
    let some = |values: &'static [&'static str]| prop::sample::select(values);
    (
        some(&["", "", "SER-1", "SER-2", "To be filled by O.E.M."]),
        some(&["", "", "", UUID]),
        some(&["", "", "pc-1.a.example", "pc-2.a.example"]),
        some(&["", "pc-1", "pc-2", "pc-3", "localhost"]),
    )
        .prop_map(|(serial, uuid, fqdn, name)| Identity::of(serial, uuid, fqdn, name))
}

fn fleets() -> impl Strategy<Value = (Vec<Record>, Vec<Machine>)> {
    let machines = prop::collection::vec(identities(), 0..6).prop_map(|all| {
        (1..)
            .zip(all)
            .map(|(n, identity)| machine(n, identity))
            .collect::<Vec<_>>()
    });
    let pins = prop::option::weighted(
        0.15,
        prop_oneof![Just(Pin::NoHost), (1_u8..4).prop_map(|n| Pin::Host(host(n)))],
    );
    let one = (identities(), prop::sample::select(vec!["ad", "intune", "ksc"]), pins);
    let records = prop::collection::vec(one, 0..9).prop_map(|all| {
        all.into_iter()
            .enumerate()
            .map(|(n, (identity, source, pin))| Record {
                pin,
                ..record(&format!("asset-{n}"), source, identity)
            })
            .collect::<Vec<_>>()
    });
    (records, machines)
}

/// Everything that is linked with a record, directly or through others.
fn linked(first: &Record, records: &[Record], machines: &[Machine]) -> (Vec<Record>, Vec<Machine>) {
    let touches = |known: &BTreeSet<Identifier>, identity: &Identity| identity.iter().any(|it| known.contains(it));
    let mut known: BTreeSet<Identifier> = first.identity.iter().cloned().collect();
    let mut hosts: BTreeSet<HostId> = BTreeSet::new();
    let mut assets: BTreeSet<String> = [first.asset_id.clone()].into();
    loop {
        let before = (known.len(), hosts.len(), assets.len());
        for it in records {
            let pinned = match it.pin {
                Some(Pin::Host(host_id)) => Some(host_id),
                Some(Pin::NoHost) | None => None,
            };
            let is_pinned = pinned.is_some_and(|host_id| hosts.contains(&host_id));
            if is_pinned || assets.contains(&it.asset_id) || touches(&known, &it.identity) {
                assets.insert(it.asset_id.clone());
                known.extend(it.identity.iter().cloned());
                hosts.extend(pinned);
            }
        }
        for it in machines {
            if hosts.contains(&it.host_id) || touches(&known, &it.identity) {
                hosts.insert(it.host_id);
                known.extend(it.identity.iter().cloned());
            }
        }
        if before == (known.len(), hosts.len(), assets.len()) {
            let records = records.iter().filter(|it| assets.contains(&it.asset_id)).cloned();
            let machines = machines.iter().filter(|it| hosts.contains(&it.host_id)).cloned();
            return (records.collect(), machines.collect());
        }
    }
}

proptest! {
    #[test]
    fn a_part_of_the_fleet_resolves_as_the_whole_does((records, machines) in fleets()) {
        let whole = resolve(&records, &machines);
        for (record, place) in records.iter().zip(&whole) {
            let (part, hosts) = linked(record, &records, &machines);
            let at = part.iter().position(|it| it.asset_id == record.asset_id).unwrap();
            prop_assert_eq!(&resolve(&part, &hosts)[at], place, "{:?}", record);
        }
    }

    #[test]
    fn the_order_of_lines_and_hosts_does_not_matter((records, machines) in fleets()) {
        let places = resolve(&records, &machines);
        let turned: (Vec<_>, Vec<_>) = (
            records.iter().rev().cloned().collect(),
            machines.iter().rev().cloned().collect(),
        );
        let again: Vec<Place> = resolve(&turned.0, &turned.1).into_iter().rev().collect();
        prop_assert_eq!(places, again);
    }

    #[test]
    fn no_match_is_guessed((records, machines) in fleets()) {
        let places = resolve(&records, &machines);
        let mut taken = BTreeSet::new();
        for (record, place) in records.iter().zip(&places) {
            match place {
                Place::Host { host_id, by: Some(by) } => {
                    let identity = &machines.iter().find(|it| it.host_id == *host_id).unwrap().identity;
                    prop_assert!(identity.get(*by).is_some());
                    prop_assert_eq!(identity.get(*by), record.identity.get(*by));
                    for stronger in IdentifierKind::ALL.iter().filter(|it| *it < by) {
                        let both = identity.get(*stronger).zip(record.identity.get(*stronger));
                        prop_assert!(both.is_none_or(|(one, other)| one == other));
                    }
                    prop_assert!(taken.insert((record.source.clone(), *host_id)), "two records are one host");
                }
                Place::Host { host_id, by: None } => prop_assert_eq!(record.pin, Some(Pin::Host(*host_id))),
                Place::Same { asset_id, .. } => {
                    let at = records.iter().position(|it| it.asset_id == *asset_id).unwrap();
                    prop_assert_eq!(&places[at], &Place::Alone);
                    prop_assert!(records[at].source != record.source);
                }
                Place::Alone | Place::Ambiguous { .. } => {}
            }
        }
    }

    #[test]
    fn parts_add_up(
        counts in prop::collection::vec((0_usize..AssetBucket::ALL.len(), 0_i64..50), 0..12),
        now_ms in 0_i64..2_000_000_000_000,
    ) {
        let mut totals = Totals::default();
        let mut plain: BTreeMap<AssetBucket, i64> = BTreeMap::new();
        for (at, count) in counts {
            totals.add_assets(AssetBucket::ALL[at], count);
            *plain.entry(AssetBucket::ALL[at]).or_default() += count;
        }
        let all: i64 = plain.values().sum();
        let campaign = samples::campaign("");
        prop_assert_eq!(totals.expected(), all);
        prop_assert_eq!(totals.by_standing(now_ms, &campaign).values().sum::<i64>(), all);
        let headline = Headline::of(&totals, now_ms, &campaign);
        prop_assert_eq!(headline.unknown.whole, all - plain.get(&AssetBucket::Gone).copied().unwrap_or(0));
    }
}
