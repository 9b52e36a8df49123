//! German.

use super::Said;

pub(super) fn text(said: &Said<'_>) -> String {
    match said {
        Said::RestartComes { when, reason } => {
            format!("Cutover: Neustart dieses Computers: {when}.\nGrund: {reason}.\nBitte speichern Sie Ihre Arbeit.")
        }
        Said::HowToPutRestartOff { latest } => {
            format!("Neustart aufschieben, spätestens bis {latest}: cutover-agent defer 2h")
        }
        Said::RestartCalledOff => "Cutover: Der Neustart dieses Computers entfällt.".to_owned(),
        Said::WorkComes { when } => format!("Cutover: An diesem Computer beginnen Arbeiten, frühestens {when}."),
        Said::WorkBegins => "Cutover: An diesem Computer beginnen jetzt Arbeiten.".to_owned(),
        Said::WhomToAsk { contact, code } => format!("Fragen: {contact}. Kennung: {code}."),
        Said::RestartWouldBeTold => "Falls ein Neustart nötig ist, wird er vorher angekündigt.".to_owned(),
        Said::HowToPutStartOff { longest } => {
            format!("Beginn aufschieben, jeweils um höchstens {longest}: cutover-agent defer 1h")
        }
        Said::StartComesAnyhow { until } => {
            format!("Cutover: Der Beginn der Arbeiten an diesem Computer konnte nicht bis {until} aufgeschoben werden.")
        }
        Said::NotUnderstood => {
            "Der Agent versteht diese Anfrage nicht. Haben beide Programme dieselbe Version?".to_owned()
        }
        Said::NothingDue => {
            "Auf diesem Computer steht kein Neustart an, und es sind keine Arbeiten angekündigt.".to_owned()
        }
        Said::RestartDue { reason, latest } => format!(
            "Ein Neustart dieses Computers steht an. Grund: {reason}. Sie können ihn bis spätestens {latest} aufschieben: \
             cutover-agent defer 2h"
        ),
        Said::RestartDueAt { when, reason, latest } => format!(
            "Neustart dieses Computers: {when}. Grund: {reason}. Sie können ihn bis spätestens {latest} aufschieben: \
             cutover-agent defer 2h"
        ),
        Said::RestartDuePutOff { when, reason, latest } => format!(
            "Neustart dieses Computers: {when}; er wurde aufgeschoben. Grund: {reason}. Sie können ihn bis spätestens \
             {latest} aufschieben: cutover-agent defer 2h"
        ),
        Said::RestartIsPutOff { until, latest } => {
            format!("Der Neustart ist bis {until} aufgeschoben. Spätester Zeitpunkt: {latest}.")
        }
        Said::StartIsPutOffLast { until } => {
            format!("Der Beginn der Arbeiten ist bis {until} aufgeschoben. Ein weiterer Aufschub ist nicht möglich.")
        }
        Said::StartIsPutOff { until, left } => {
            format!("Der Beginn der Arbeiten ist bis {until} aufgeschoben. Weitere Aufschübe möglich: {left}.")
        }
        Said::WorkAhead {
            when,
            from,
            why,
            contact,
            code,
            may,
        } => format!(
            "An diesem Computer beginnen Arbeiten, frühestens {when} ({from}: {why}; Fragen: {contact}; Kennung: {code}). \
             {may}"
        ),
        Said::WorkAheadPutOff {
            when,
            from,
            why,
            contact,
            code,
            may,
        } => format!(
            "An diesem Computer beginnen Arbeiten, frühestens {when}; der Beginn wurde aufgeschoben ({from}: {why}; \
             Fragen: {contact}; Kennung: {code}). {may}"
        ),
        Said::StartMayBePutOff { left, longest } => format!(
            "Sie können den Beginn aufschieben, jeweils um höchstens {longest} (Aufschübe möglich: {left}): cutover-agent \
             defer 1h"
        ),
        Said::StartUsedUp => "Der Beginn lässt sich nicht weiter aufschieben.".to_owned(),
        Said::StartHolds { why } => format!("Der Beginn lässt sich nicht aufschieben ({why})."),
        Said::RestartHolds => {
            "Dieser Neustart lässt sich nicht aufschieben: Die Kampagne erlaubt keinen Aufschub.".to_owned()
        }
        Said::RestartIsAtWork => "Der Computer wird bereits neu gestartet.".to_owned(),
        Said::TooLong { latest } => {
            format!("Das ist länger als erlaubt. Aufschieben können Sie bis spätestens {latest}.")
        }
        Said::RestartComesLater { comes, latest } => format!(
            "Der Neustart kommt ohnehin nicht früher. Er ist vorgesehen: {comes}; aufschieben können Sie ihn bis \
             spätestens {latest}."
        ),
        Said::NotKept { why } => format!(
            "Der Aufschub konnte nicht gespeichert werden ({why}) und gilt deshalb nicht. Bitte versuchen Sie es erneut."
        ),
        Said::WorkHasBegun => "Die Arbeiten an diesem Computer haben begonnen.".to_owned(),
        Said::DeferralBeforeIsPending => {
            "Der vorige Aufschub hat den Server noch nicht erreicht. Bitte versuchen Sie es danach erneut.".to_owned()
        }
        Said::OnlyWhoIsHere => {
            "Nur wer an diesem Computer in einer aktiven Sitzung angemeldet ist, kann seinen Neustart \
                                aufschieben."
                .to_owned()
        }
        Said::WhoIsHereUnknown { why } => format!(
            "Es lässt sich nicht feststellen, ob Sie angemeldet sind ({why}). Ein Administrator (root) kann den Neustart \
             aufschieben."
        ),
    }
}
