//! What goes wrong around the hosts. Each is counted when it is injected.

use cutover_proto::words;

words! {
    /// A fault.
    pub(crate) enum Fault("fault") {
        /// A request is lost.
        DropRequest = "request dropped",
        /// A reply is lost: the server took what it says.
        DropReply = "reply dropped",
        /// A request comes twice.
        Duplicate = "request duplicated",
        /// A request comes long after the host gave it up, and after newer ones.
        Reorder = "request late, out of order",
        /// A reply takes its time.
        Delay = "reply delayed",
        /// Some hosts reach no server for hours.
        Partition = "partition",
        /// The server sheds load.
        Overload = "overload answer",
        /// A nudge is lost.
        LostNudge = "nudge lost",
        /// The server is stopped and started again.
        Outage = "outage of the server",
        /// It dies right before a commit.
        CrashBefore = "crash before a commit",
        /// It dies right after a commit, before anybody is answered.
        CrashAfter = "crash after a commit",
        /// A statement of the store fails.
        StoreError = "store error",
        /// An agent's process dies and is started again.
        AgentCrash = "agent crash",
    }
}
