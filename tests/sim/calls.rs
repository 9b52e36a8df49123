//! Calls between machines and the server, and what goes wrong with them.

use std::time::Duration;

use anyhow::Result;
use cutover_agent::session::Failure;
use cutover_proto::{ids::HostId, inventory::DiskEncryption, v1};
use cutover_server::service::{CallError, Caller, NewToken, PoolImage, Service};

use crate::{
    calendar::{HOUR, MINUTE, SECOND},
    fault::Fault,
    habit::Habit,
    happening::{Happening, Late},
    keys::Keys,
    machine::Machine,
    people::Deed,
    view::Look,
    world::World,
};

impl World {
    fn strikes(&mut self, fault: Fault) -> bool {
        let strikes = !self.calm && self.dice.once_in_a_thousand(self.weather.rate(fault));
        if strikes {
            self.ledger.fault(fault);
        }
        strikes
    }

    /// A machine says what is due.
    pub(crate) async fn check_in(&mut self, index: usize) -> Result<()> {
        let now_ms = self.now_ms;
        let Some(request) = self.machines[index].request(now_ms) else {
            return Ok(());
        };
        let Some(host) = self.machines[index].host else {
            return Ok(());
        };
        let is_cut_off = self.cut_off.contains(&index) || self.server.service().is_none();
        if is_cut_off {
            self.machines[index].unanswered(&Failure::Unreachable("no way".to_owned()), now_ms);
            return Ok(());
        }
        if self.strikes(Fault::Overload) {
            let wait = u64::try_from(self.dice.between(0, 900))?;
            let retry_after = (wait > 0).then(|| Duration::from_secs(wait));
            self.machines[index].unanswered(&Failure::Overloaded { retry_after }, now_ms);
            return Ok(());
        }
        let machine = &self.machines[index];
        let late = Late {
            host,
            spki_hash: machine.keys.spki_hash(),
            spki_der: machine.keys.signing.spki_der().to_vec(),
            seen: look_of(machine),
            request,
        };
        let cut = Failure::Cut("nothing came back".to_owned());
        if self.strikes(Fault::DropRequest) {
            self.machines[index].unanswered(&cut, now_ms);
            return Ok(());
        }
        if self.strikes(Fault::Reorder) {
            let arrives_ms = now_ms + self.dice.between(SECOND, 6 * HOUR);
            self.later(arrives_ms, Happening::Late(Box::new(late)));
            self.machines[index].unanswered(&cut, now_ms);
            return Ok(());
        }
        if self.strikes(Fault::Duplicate) {
            let again_ms = now_ms + self.dice.between(0, 20 * MINUTE);
            self.later(again_ms, Happening::Late(Box::new(late.clone())));
        }
        let answer = self.deliver(index, late).await?;
        let answer = match answer {
            Ok(_) if self.strikes(Fault::DropReply) => Err(cut),
            other => other,
        };
        match answer {
            Ok(reply) => {
                let mut delay_ms = self.machines[index].traits.reply_delay_ms;
                if self.strikes(Fault::Delay) {
                    delay_ms += self.dice.between(SECOND, MINUTE);
                }
                if delay_ms == 0 {
                    self.machines[index].answered(reply, now_ms)?;
                } else {
                    let process = self.machines[index].process;
                    self.later(now_ms + delay_ms, Happening::Reply(index, process, Box::new(reply)));
                }
            }
            Err(failure) => self.machines[index].unanswered(&failure, now_ms),
        }
        if std::mem::take(&mut self.machines[index].split_wanted) {
            self.split(index).await?;
        }
        Ok(())
    }

    /// What the listener and the service make of a request.
    async fn deliver(&mut self, index: usize, late: Late) -> Result<Result<v1::CheckInReply, Failure>> {
        let Some(service) = self.server.service() else {
            return Ok(Err(Failure::Unreachable("no server".to_owned())));
        };
        if let Err(failure) = self.admitted(&service, &late.spki_hash, late.host).await {
            self.after_call();
            return Ok(Err(failure));
        }
        self.ledger.check_ins += 1;
        if let Some(machine) = self.machines.get(index)
            && machine.host == Some(late.host)
        {
            let failed = machine.journal.failures.iter().map(|order| (late.host, *order));
            self.view.failures.extend(failed);
        }
        if let Some(look) = late.seen {
            self.view.looks.entry(late.host).or_default().push(look);
        }
        let answer = service.check_in(late.host, &late.spki_der, late.request).await;
        let failure = match answer {
            Ok(reply) => {
                self.after_call();
                return Ok(Ok(reply));
            }
            Err(error) => self.refusal("a check-in", &error),
        };
        self.after_call();
        Ok(Err(failure))
    }

    fn refusal(&mut self, what: &str, error: &CallError) -> Failure {
        let text = error.to_string();
        self.tell(|| format!("{what} fails: {text}"));
        match error {
            CallError::Busy => Failure::Overloaded { retry_after: None },
            CallError::Store(_) => Failure::Cut(text),
            CallError::Token { .. } | CallError::UnknownHost | CallError::Revoked => Failure::Refused(text),
            CallError::Invalid { .. } => {
                self.broke("no-fault", format!("{what} is refused: {text}"));
                Failure::Refused(text)
            }
            CallError::Broken { .. } => {
                self.broke("no-fault", format!("{what}: {text}"));
                Failure::Cut(text)
            }
        }
    }

    /// As the listener does it for every call: the key has to be a live one of this host.
    async fn admitted(&mut self, service: &Service, spki_hash: &str, host: HostId) -> Result<(), Failure> {
        match service.key_of_host(spki_hash.to_owned()).await {
            Ok(Some(key)) if key.revoked_ms.is_none() && key.host_id == host => Ok(()),
            Ok(_) => Err(Failure::Refused("this key speaks for nobody".to_owned())),
            Err(error) => Err(Failure::Cut(error.to_string())),
        }
    }

    pub(crate) async fn arrive_late(&mut self, late: Late) -> Result<()> {
        let from = self.machines.iter().position(|machine| machine.host == Some(late.host));
        // The copy's reply goes nowhere.
        let _unheard = self.deliver(from.unwrap_or(usize::MAX), late).await?;
        Ok(())
    }

    pub(crate) async fn nudge(&mut self, host: HostId) -> Result<()> {
        for index in 0..self.machines.len() {
            let machine = &mut self.machines[index];
            if machine.host == Some(host) && machine.on && !self.cut_off.contains(&index) {
                machine.nudged(self.now_ms);
                self.poll(index).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn make_tokens(&mut self) -> Result<()> {
        let service = self.server.service();
        for name in ["hosts", "image-1", "image-2"] {
            let pool = (name != "hosts").then(|| PoolImage {
                pool: "desks".to_owned(),
                image: name.to_owned(),
                owner: "desktop team".to_owned(),
                within_days: 14,
            });
            let ask = NewToken {
                uses: 1_000_000,
                hours: 24 * 366,
                pool,
            };
            if let Some(service) = &service {
                let made = service.create_token(Caller::server(), ask).await?;
                self.tokens.insert(name, made.token);
            }
        }
        Ok(())
    }

    /// A machine enrols. Where that fails it is tried again, with the same keys.
    pub(crate) async fn enrol(&mut self, index: usize) -> Result<()> {
        let again_ms = self.now_ms + self.dice.between(MINUTE, 20 * MINUTE);
        let is_cut_off = self.cut_off.contains(&index) || self.strikes(Fault::DropRequest);
        let Some(service) = self.server.service().filter(|_| !is_cut_off) else {
            self.later(again_ms, Happening::Enrol(index));
            return Ok(());
        };
        let machine = &self.machines[index];
        let token = match (machine.traits.habit, self.image_is_new) {
            (Habit::Pooled, false) => "image-1",
            (Habit::Pooled, true) => "image-2",
            _ => "hosts",
        };
        let name = format!("key-{}-{}", machine.truth.hostname, machine.process);
        self.names.insert(machine.keys.spki_hash(), name);
        let token = self.tokens.get(token).cloned().unwrap_or_default();
        let request = self.machines[index]
            .keys
            .enrolment(&token, self.machines[index].truth.facts())?;
        let answer = service.enroll(request).await;
        let is_lost = self.strikes(Fault::DropReply);
        match answer {
            Ok(reply) if !is_lost => {
                self.machines[index].enrolled(&reply)?;
                self.place(index);
                self.tell(|| format!("machine {index} is host {}", reply.host_id));
                let now_ms = self.now_ms;
                self.machines[index].on = true;
                self.machines[index].start_agent(now_ms);
                self.later(now_ms, Happening::Presence(index));
                self.later(now_ms, Happening::Poll(index));
            }
            Ok(_) => self.later(again_ms, Happening::Enrol(index)),
            Err(error) => {
                self.refusal("an enrolment", &error);
                self.later(again_ms, Happening::Enrol(index));
            }
        }
        self.after_call();
        Ok(())
    }

    /// The checks know where it is, and people say what they know of it.
    fn place(&mut self, index: usize) {
        let machine = &self.machines[index];
        self.view
            .zones
            .extend(machine.host.map(|host| (host, machine.truth.zone)));
        self.later(self.now_ms, Happening::People(Deed::Describe(index)));
    }

    /// One of several machines with one identity gets its own, once nothing of the shared one is under way.
    async fn split(&mut self, index: usize) -> Result<()> {
        let machine = &self.machines[index];
        let is_busy = machine.journal.open.is_some() || !machine.journal.says().pending.is_empty();
        let (Some(host), Some(service), false) = (machine.host, self.server.service(), is_busy) else {
            return Ok(());
        };
        self.view.shared.insert(host);
        let new = Keys::new()?;
        let request = new.splitting(&machine.keys, &machine.boot_id(), machine.truth.facts())?;
        self.names
            .insert(new.spki_hash(), format!("key-{}-split", machine.truth.hostname));
        let spki_der = machine.keys.signing.spki_der().to_vec();
        match service.split(host, &spki_der, request).await {
            Ok(reply) => {
                self.tell(|| format!("machine {index} gets an identity of its own: {}", reply.host_id));
                let now_ms = self.now_ms;
                let machine = &mut self.machines[index];
                machine.stop_agent();
                machine.keys = new;
                machine.enrolled(&reply)?;
                machine.start_agent(now_ms);
                self.place(index);
                self.later(now_ms, Happening::Poll(index));
            }
            // Once a session: a machine that lost the reply to its first asks again as somebody else would.
            Err(CallError::Invalid { why }) => self.tell(|| format!("no identity of its own: {why}")),
            Err(error) => {
                self.refusal("a split", &error);
            }
        }
        self.after_call();
        Ok(())
    }
}

fn look_of(machine: &Machine) -> Option<Look> {
    let seen = machine.seen.as_ref()?;
    Some(Look {
        taken_ms: seen.at_ms,
        is_done: seen.truth.is_done(),
        is_locked: matches!(
            seen.truth.encryption,
            DiskEncryption::ByTarget | DiskEncryption::Unknown
        ),
    })
}
