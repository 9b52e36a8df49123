//! The loop of one agent.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cutover_proto::{inventory::Inventory, release::AgentRelease, v1};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
};

use super::{
    addresses::AddressBook,
    agent::LoopEnd,
    announced::{Announced, Shown, StartDeferral, StartRefused, StartState},
    clock::HostClock,
    fetching::Fetching,
    footprint::{Ending, Limits},
    leaving::Parting,
    orders::OrderEnd,
    parts::{MakeHands, Parts, StartError},
    pulse::Pulse,
    splitting::Splitting,
    state_dir::{StateDir, refused},
    status::AgentStatus,
    updating::{StageEnd, Updating},
};
use crate::{
    act::{
        self, ArtifactCache, Clock, Control, DeferRefused, Deferral, Journal, JournalState, RestartState,
        SharedJournal, known_steps,
    },
    detect::RuleSet,
    host::HostView,
    link::{Address, Identity, Link, LinkError, Proxies},
    session::{Heading, OrderLabel, Session, Start, Ticks, Validity, Wake},
    words::Language,
};

/// Of this program.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The loop also turns without a cause this often.
const IDLE: Duration = Duration::from_secs(3600);

/// In place of a boot id that could not be told; the server demands one.
pub(super) const UNKNOWN_BOOT: &str = "unknown";

/// What happened, to the loop.
pub(super) enum Input {
    /// The server, or somebody here, asks for a check-in.
    Nudge,
    /// A check-in ended.
    Answered(Result<Box<v1::CheckInReply>, LinkError>),
    /// The machine's vitals were read.
    Vitals(v1::Vitals),
    /// A look that was due ended.
    Looked(Box<Inventory>),
    /// An order looked.
    Seen(Box<Inventory>),
    /// A record is in the journal.
    Recorded,
    /// The order thread ended.
    OrderEnded(OrderEnd),
    /// A package database changed.
    PackagesChanged,
    /// A better address was looked for.
    Better(Option<Address>),
    /// A renewal ended.
    Renewed(Result<Box<Identity>, LinkError>),
    /// Asking for an identity of this machine alone ended.
    Split(Result<(), LinkError>),
    /// The last statement was answered, or was not.
    Parted(Result<v1::LeaveReply, LinkError>),
    /// The program of a release was fetched and looked at, or could not be.
    Staged(Box<AgentRelease>, StageEnd),
    /// Somebody asks how it stands.
    Status(oneshot::Sender<AgentStatus>),
    /// Somebody asks when the restart comes that is due.
    Restart(oneshot::Sender<Option<RestartState>>),
    /// Its user puts the restart off.
    Defer(Duration, oneshot::Sender<Result<Deferral, DeferRefused>>),
    /// Somebody was told of the work ahead, or could not be.
    Shown(Shown),
    /// Somebody asks what work is announced.
    Start(oneshot::Sender<Option<StartState>>),
    /// Somebody asks for the language of this machine.
    Language(oneshot::Sender<Language>),
    /// Its user puts the start of the work off.
    PutOff(Duration, oneshot::Sender<Result<StartDeferral, StartRefused>>),
    /// The end.
    Stop,
}

/// One agent at work.
pub(super) struct Life {
    pub(super) session: Session,
    pub(super) state: StateDir,
    pub(super) identity: Identity,
    pub(super) book: AddressBook,
    pub(super) proxies: Proxies,
    /// What the link holds to.
    pub(super) heading: Heading,
    pub(super) link: Arc<Link>,
    pub(super) view: Arc<dyn HostView>,
    pub(super) hands: Arc<MakeHands>,
    pub(super) clock: Arc<HostClock>,
    pub(super) rules: Arc<RuleSet>,
    pub(super) journal: SharedJournal,
    pub(super) control: Arc<Control>,
    pub(super) fetching: Arc<Fetching>,
    pub(super) inputs: mpsc::UnboundedSender<Input>,
    /// Whether the newest request told the server that the journal cannot be trusted.
    pub(super) distrust_told: bool,
    pub(super) order_at_work: bool,
    /// When the order that the journal holds open is taken up again.
    pub(super) resume_at: Option<Ticks>,
    pub(super) watch_wanted: watch::Sender<bool>,
    pub(super) limits: Limits,
    pub(super) started: Ticks,
    pub(super) next_self_look: Ticks,
    /// Set once it uses too much.
    pub(super) ending: Option<Ending>,
    pub(super) splitting: Splitting,
    pub(super) updating: Updating,
    /// Set once this host has made its last statement.
    pub(super) parting: Option<Parting>,
    /// What was told of the work ahead.
    pub(super) announced: Announced,
    /// Whether somebody is being told right now.
    pub(super) is_telling: bool,
    pulse: Option<Box<dyn Pulse>>,
    pub(super) tasks: JoinSet<()>,
}

impl Life {
    pub(super) fn new(parts: Parts, inputs: mpsc::UnboundedSender<Input>) -> Result<Self, StartError> {
        let identity = parts.identity;
        let book = AddressBook::new(parts.servers, identity.servers().to_vec(), parts.state.addresses());
        let journal = Journal::open(parts.state.path())?;
        let updating = Updating::new(&parts.state, parts.trial);
        let link = Arc::new(Link::new(&identity, &book.in_order(), parts.proxies.clone())?);
        let clock = parts.clock;
        let now = clock.ticks();
        let rules = Arc::new(parts.state.rules(identity.server_keys()));
        let fetching = Fetching::new(
            link.clone(),
            ArtifactCache::new(parts.state.artifacts(), parts.cache_mib),
            clock.clone(),
            parts.metered_file,
            parts.seed,
        );
        let (from_ms, to_ms) = identity.validity_ms();
        let label = |open: v1::RunningOrder| OrderLabel {
            number: open.order_number,
            attempt: None,
        };
        let session = Session::new(
            Start {
                agent_version: VERSION.to_owned(),
                boot_id: parts.view.boot_id().found().unwrap_or_else(|| UNKNOWN_BOOT.to_owned()),
                known_steps: known_steps(),
                can_leave: parts.can_leave,
                rules_revision: rules.revision(),
                refused_rules: refused(&rules),
                server_keys: identity.server_keys().to_vec(),
                store_epoch: journal.store_epoch().to_owned(),
                inventory: parts.state.inventory(identity.host_id()),
                order: journal.running().map(label),
                validity: Validity { from_ms, to_ms },
                host_ms: clock.now_ms(),
                places: book.places(&parts.proxies),
                seed: parts.seed,
            },
            now,
        );
        if let Some(trouble) = journal.trouble() {
            tracing::error!(host = %identity.host_id(), trouble, "the journal cannot be trusted; no order runs until a fresh look is acknowledged");
        }
        let heading = session.heading();
        let resume_at = (journal.is_open() && journal.state() == JournalState::Sound).then_some(now);
        let announced = parts.state.announced();
        let parting = Parting::kept(&parts.state, now)?;
        let mut life = Self {
            announced,
            is_telling: false,
            session,
            state: parts.state,
            identity,
            book,
            proxies: parts.proxies,
            heading,
            link,
            view: parts.view,
            hands: Arc::new(parts.hands),
            clock,
            rules,
            journal: Arc::new(Mutex::new(journal)),
            fetching: Arc::new(fetching),
            control: Arc::new(Control::new(parts.hold_file)),
            inputs,
            distrust_told: false,
            order_at_work: false,
            resume_at,
            watch_wanted: watch::Sender::new(false),
            limits: parts.limits,
            started: now,
            next_self_look: now,
            ending: None,
            splitting: Splitting::No,
            updating,
            parting,
            pulse: parts.pulse,
            tasks: JoinSet::new(),
        };
        life.sign_kept_inventory_anew();
        life.say_announced(now);
        Ok(life)
    }

    pub(super) fn link(&self) -> Arc<Link> {
        self.link.clone()
    }

    pub(super) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[tracing::instrument(name = "agent", skip_all, fields(host = %self.identity.host_id()))]
    pub(super) async fn run(mut self, mut inputs: mpsc::UnboundedReceiver<Input>) -> LoopEnd {
        self.watch_for_nudges();
        self.watch_packages();
        let end = loop {
            let now = self.clock.ticks();
            self.look_at_clocks(now);
            if self.has_parted() {
                break LoopEnd::Left;
            }
            if let Some(why) = self.may_end(now) {
                break LoopEnd::TooMuchMemory(why);
            }
            if self.splitting == Splitting::Done && !self.order_at_work {
                break LoopEnd::NewIdentity;
            }
            if let Some(version) = self.may_change_program(now) {
                break LoopEnd::NewProgram(version);
            }
            let wait = self.do_what_is_due(now).min(self.next_self_look.since(now));
            let wait = wait.min(self.beat(now));
            let input = tokio::select! {
                input = inputs.recv() => input,
                () = tokio::time::sleep(wait) => continue,
            };
            match input {
                Some(Input::Stop) | None => break LoopEnd::Told,
                Some(input) => self.take(input),
            }
            while self.tasks.try_join_next().is_some() {}
        };
        // Calls and streams end here; the server learns nothing from a lost reply that a later check-in does not say.
        self.fetching.close();
        self.tasks.shutdown().await;
        end
    }

    /// Gives a sign of life, and says when the next is due.
    fn beat(&mut self, now: Ticks) -> Duration {
        let Some(mut pulse) = self.pulse.take() else {
            return IDLE;
        };
        pulse.beat(&self.status(), now);
        let every = pulse.every();
        self.pulse = Some(pulse);
        every
    }

    /// Begins everything that is due, and says how long nothing is.
    fn do_what_is_due(&mut self, now: Ticks) -> Duration {
        if self.next_self_look <= now {
            self.look_at_itself(now);
        }
        if let Some(wait) = self.part(now) {
            return wait;
        }
        loop {
            if self.resume_at.is_some_and(|at| at <= now) {
                self.resume_at = None;
                self.resume_order();
            }
            let next = self.session.poll_timeout(now);
            match next {
                Some((at, wake)) if at <= now => self.begin(wake, now),
                Some((at, _)) => return self.resume_at.map_or(at, |resume| resume.min(at)).since(now),
                None => return self.resume_at.map_or(IDLE, |resume| resume.since(now)),
            }
        }
    }

    fn begin(&mut self, wake: Wake, now: Ticks) {
        tracing::debug!(why = wake.as_str(), "due");
        match wake {
            Wake::CheckIn(_) => self.check_in(now),
            Wake::Look(_) => self.look(now),
            Wake::Renew => self.renew(now),
            Wake::Better => self.look_for_better(now),
        }
    }

    fn take(&mut self, input: Input) {
        let now = self.clock.ticks();
        match input {
            Input::Nudge => self.session.handle_nudge(now),
            Input::Answered(Ok(reply)) => {
                self.note_reached(true, now);
                self.confirm_program(now);
                self.answered(*reply, now);
                self.steer();
            }
            Input::Answered(Err(error)) => {
                self.note_reached(false, now);
                self.unanswered(&error, now);
                self.steer();
            }
            Input::Better(found) => {
                let found = found.map(|address| address.to_string());
                self.session.handle_better(found.as_deref(), now);
                self.steer();
            }
            Input::Vitals(vitals) => self.session.handle_vitals(vitals),
            Input::Looked(seen) => {
                let news = self.session.handle_look(*seen, now);
                self.sign(news, now);
            }
            Input::Seen(seen) => {
                let news = self.session.handle_sight(*seen, now);
                self.sign(news, now);
            }
            Input::Recorded => self.session.handle_records(now),
            Input::OrderEnded(end) => self.order_ended(end, now),
            Input::PackagesChanged => self.session.handle_packages_changed(now),
            Input::Split(split) => self.split_ended(split),
            Input::Parted(answer) => self.parted(answer, now),
            Input::Staged(release, end) => self.staged(*release, end, now),
            Input::Renewed(renewed) => self.renewed(renewed, now),
            Input::Status(answer) => {
                // Whoever asked may have gone.
                let _ = answer.send(self.status());
            }
            Input::Restart(answer) => {
                let _ = answer.send(act::restart_state(&self.journal()));
            }
            Input::Defer(length, answer) => {
                let _ = answer.send(self.defer(length, now));
            }
            Input::Shown(shown) => self.shown(shown, now),
            Input::Start(answer) => {
                let _ = answer.send(self.announced.state());
            }
            Input::Language(answer) => {
                let _ = answer.send(act::language(&*self.view));
            }
            Input::PutOff(length, answer) => {
                let _ = answer.send(self.put_off(length, now));
            }
            // The loop ends before it comes here.
            Input::Stop => {}
        }
    }

    /// Sends into the loop from anywhere; after its end, nowhere.
    pub(super) fn sender(&self) -> impl Fn(Input) + Clone + Send + Sync + use<> {
        let inputs = self.inputs.clone();
        move |input| {
            let _ = inputs.send(input);
        }
    }
}
