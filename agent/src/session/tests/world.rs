//! One session, a clock that only tests move, and replies.

use std::time::Duration;

use cutover_proto::{
    envelope::{self, Context, SigningKey},
    ids::HostId,
    inventory::{DiskEncryption, HostFacts, Inventory, OsFamily},
    v1,
    verdict::Protection,
};
use uuid::Uuid;

use crate::session::{Effect, Failure, JournalSays, Place, Session, Start, Ticks, Validity, Wake, WhyCheckIn};

pub(super) const DAY_MS: i64 = 24 * 3600 * 1000;
/// The server's clock at the start of each test; the host's is a year behind.
pub(super) const SERVER_MS: i64 = 1_727_582_400_000;
pub(super) const HOST_MS: i64 = SERVER_MS - 365 * DAY_MS;

pub(super) struct World {
    pub(super) session: Session,
    pub(super) now: Ticks,
    pub(super) journal: JournalSays,
    pub(super) epoch: String,
}

/// PKCS#8 version 1 around an Ed25519 seed (RFC 8410, section 7).
pub(super) fn server_key() -> SigningKey {
    key_of(5)
}

/// A key that signs, made of this byte alone.
pub(super) fn key_of(byte: u8) -> SigningKey {
    let header = hex::decode("302e020100300506032b657004220420").unwrap();
    SigningKey::server(&[header, vec![byte; 32]].concat()).unwrap()
}

pub(super) fn start() -> Start {
    Start {
        agent_version: "0.1.0".into(),
        boot_id: "boot-1".into(),
        can_leave: true,
        known_steps: vec![1, 2, 3],
        rules_revision: 1,
        refused_rules: vec![],
        server_keys: vec![server_key().public().clone()],
        store_epoch: String::new(),
        inventory: None,
        order: None,
        validity: Validity {
            from_ms: SERVER_MS - DAY_MS,
            to_ms: SERVER_MS + 89 * DAY_MS,
        },
        host_ms: HOST_MS,
        seed: 7,
        places: vec![place("inside:7443")],
    }
}

pub(super) fn place(address: &str) -> Place {
    Place {
        address: address.into(),
        proxy: None,
    }
}

pub(super) fn inventory(hostname: &str, taken_at_ms: i64) -> Inventory {
    Inventory {
        host_id: HostId::new(Uuid::from_u128(1)),
        taken_at_ms,
        boot_id: "boot-1".into(),
        rules_revision: 1,
        facts: HostFacts {
            hostname: hostname.into(),
            os_family: OsFamily::Linux,
            os_id: "debian".into(),
            os_version: "12".into(),
            os_name: "Debian".into(),
            architecture: "x86_64".into(),
            kernel: "6.1".into(),
            machine_id: "0f".into(),
            package_managers: vec![],
            encryption: DiskEncryption::None,
            restart_pending: None,
            free_disk_mib: None,
            restart_reasons: Vec::new(),
            serial: String::new(),
            system_uuid: String::new(),
            fqdn: String::new(),
            encryption_reasons: Vec::new(),
            roles: Vec::new(),
            roles_told: false,
            has_battery: None,
            domain_joined: None,
            time_zone: String::new(),
            policies: Vec::new(),
        },
        sightings: vec![],
        protection: Protection::None,
    }
}

pub(super) fn signed(inventory: &Inventory) -> v1::Envelope {
    envelope::seal_message(
        Context::Inventory,
        &v1::Inventory::from(inventory.clone()),
        &server_key(),
    )
    .unwrap()
}

pub(super) fn order(number: u64) -> v1::Envelope {
    let body = v1::WorkOrder {
        number,
        attempt: 1,
        ..Default::default()
    };
    envelope::seal_message(Context::WorkOrder, &body, &server_key()).unwrap()
}

impl World {
    pub(super) fn new() -> Self {
        Self::starting(start())
    }

    pub(super) fn starting(start: Start) -> Self {
        Self {
            session: Session::new(start, Ticks(1_000_000)),
            now: Ticks(1_000_000),
            journal: JournalSays::default(),
            epoch: "e1".into(),
        }
    }

    /// A session whose first check-in and look are behind it, with the server up to date.
    pub(super) fn settled() -> Self {
        let mut world = Self::new();
        world.look("a");
        world.answered();
        world
    }

    pub(super) fn pass(&mut self, duration: Duration) {
        self.now = self.now.after(duration);
    }

    pub(super) fn pass_seconds(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    /// Seconds until the next check-in, rounded down, and why.
    pub(super) fn next_check_in(&self) -> Option<(u64, WhyCheckIn)> {
        let (at, why) = self.session.check_ins.poll()?;
        Some((at.since(self.now).as_secs(), why))
    }

    pub(super) fn next_wake(&self) -> Option<Wake> {
        self.session.poll_timeout(self.now).map(|(_, wake)| wake)
    }

    /// The request that is due now, if one is.
    pub(super) fn request(&mut self) -> Option<v1::CheckInRequest> {
        let journal = self.journal.clone();
        let request = self.session.next_request(self.now, "id".into(), journal);
        request.map(|(request, _)| request)
    }

    /// What a server says that keeps what it is sent.
    pub(super) fn reply_to(&self, request: &v1::CheckInRequest) -> v1::CheckInReply {
        v1::CheckInReply {
            store_epoch: self.epoch.clone(),
            server_time_ms: SERVER_MS,
            durable_inventory: request.inventory_digest.clone(),
            next_in_seconds: 300,
            ..Default::default()
        }
    }

    pub(super) fn reply(&mut self, reply: v1::CheckInReply) -> Vec<Effect> {
        self.session.handle_reply(reply, self.now)
    }

    /// One whole check-in that is due now.
    pub(super) fn answered(&mut self) -> v1::CheckInRequest {
        let request = self.request().expect("a check-in is due");
        let reply = self.reply_to(&request);
        self.reply(reply);
        request
    }

    /// One whole check-in that is due now, whose reply the test changes.
    pub(super) fn answered_with(&mut self, change: impl FnOnce(&mut v1::CheckInReply)) -> Vec<Effect> {
        let request = self.request().expect("a check-in is due");
        let mut reply = self.reply_to(&request);
        change(&mut reply);
        self.reply(reply)
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        self.session.handle_failure(&failure, self.now);
    }

    pub(super) fn unreachable(&mut self) {
        self.request().expect("a check-in is due");
        self.fail(Failure::Unreachable("no route".into()));
    }

    /// A whole look that is due now; whether it was news.
    pub(super) fn look(&mut self, hostname: &str) -> bool {
        self.session.begin_look(self.now).expect("a look is due");
        let seen = inventory(hostname, self.session.trusted().now_ms(self.now));
        match self.session.handle_look(seen, self.now) {
            Some(news) => {
                let envelope = signed(&news);
                self.session.handle_signed(news, envelope, self.now);
                true
            }
            None => false,
        }
    }
}
