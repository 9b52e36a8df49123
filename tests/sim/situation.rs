//! What a run has to come to, so that what is checked means something. Each is counted when it occurs.

use cutover_proto::words;

words! {
    /// A situation.
    pub(crate) enum Situation("situation") {
        /// An order was issued within hours that are for its host.
        WithinHours = "start within hours",
        /// A queued host is out of its hours, and its wave is open.
        OutOfHours = "waits for its hours",
        /// A queued host is in a blackout, and its wave is open.
        Dark = "waits in a blackout",
        /// An order was issued within a day of clocks that are put forward there.
        Forward = "start as clocks go forward",
        /// Or back.
        Back = "start as clocks go back",
        /// As many orders are out as the campaign allows.
        CampaignFull = "campaign full",
        /// As the wave allows.
        WaveFull = "wave full",
        /// As the site allows.
        SiteFull = "site full",
        /// As many were started within an hour as the campaign allows.
        CampaignHour = "campaign's hour used up",
        /// As the wave allows.
        WaveHour = "wave's hour used up",
        /// The line of all sites has no room for one more download.
        LineFull = "line of all used up",
        /// Or that of a site.
        SiteLineFull = "line of a site used up",
        /// An order is larger than what its line carries within an hour.
        LargerThanAnHour = "download longer than an hour",
        /// One of a redundancy set is at work while another is queued.
        SetBusy = "set at work",
        /// A wave opened by the gates before it.
        OpenedByGate = "wave opened by gate",
        /// By a person.
        OpenedByHand = "wave opened by hand",
        /// A wave's own hosts halted it.
        Halted = "wave halted",
        /// A person let it go on.
        Reset = "wave reset",
        /// A person paused a wave.
        WavePaused = "wave paused",
        /// The campaign was paused.
        Paused = "campaign paused",
        /// It was stopped while orders were out.
        Stopped = "campaign stopped, orders out",
        /// It goes on.
        Resumed = "campaign resumed",
        /// Another version of the campaign.
        Applied = "campaign applied",
        /// People let hosts start.
        Approved = "hosts approved",
        /// A host goes first with a recipe.
        First = "goes first with a recipe",
        /// It failed, and keeps its place.
        KeptPlace = "failed going first",
        /// A person set it aside.
        SetAside = "set aside after it failed",
        /// Recipes have soaked: they are as any other.
        Soaked = "recipes soaked",
        /// The gate of a wave was approved.
        GateApproved = "gate approved",
        /// Another system granted a wave's gate.
        GateGranted = "gate granted outside",
        /// A person holds a host.
        Held = "host held",
        /// And lets it go.
        Released = "host released",
        /// A host was exempted.
        Exempted = "host exempted",
        /// That was revoked.
        Revoked = "exemption revoked",
        /// It came to its end.
        ExemptionOver = "exemption ended",
        /// A host was retired.
        Retired = "host retired",
        /// A failed one is tried again.
        Retried = "host retried",
        /// A host is somebody's own.
        Personal = "host called personal",
        /// A host was left out of scope by a rule.
        LeftOut = "host left out of scope",
        /// And is in it again.
        InAgain = "host in scope again",
        /// A host came to another site.
        Moved = "host moved to another site",
        /// What a person had to do was done.
        HandworkDone = "handwork done",
    }
}
