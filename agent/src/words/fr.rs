//! French.

use super::Said;

pub(super) fn text(said: &Said<'_>) -> String {
    match said {
        Said::RestartComes { when, reason } => format!(
            "Cutover : redémarrage de cet ordinateur : {when}.\nMotif : {reason}.\nVeuillez enregistrer votre travail."
        ),
        Said::HowToPutRestartOff { latest } => {
            format!("Pour reporter le redémarrage, au plus tard jusqu'à {latest} : cutover-agent defer 2h")
        }
        Said::RestartCalledOff => "Cutover : le redémarrage de cet ordinateur est annulé.".to_owned(),
        Said::WorkComes { when } => {
            format!("Cutover : une intervention commencera sur cet ordinateur, au plus tôt : {when}.")
        }
        Said::WorkBegins => "Cutover : une intervention commence maintenant sur cet ordinateur.".to_owned(),
        Said::WhomToAsk { contact, code } => format!("Questions : {contact}. Référence : {code}."),
        Said::RestartWouldBeTold => "Si un redémarrage est nécessaire, il sera annoncé au préalable.".to_owned(),
        Said::HowToPutStartOff { longest } => {
            format!("Pour reporter le début, de {longest} au plus à la fois : cutover-agent defer 1h")
        }
        Said::StartComesAnyhow { until } => {
            format!("Cutover : le début de l'intervention sur cet ordinateur n'a pas pu être reporté jusqu'à {until}.")
        }
        Said::NotUnderstood => {
            "L'agent ne comprend pas cette demande. Les deux programmes sont-ils de la même version ?".to_owned()
        }
        Said::NothingDue => {
            "Aucun redémarrage n'est prévu sur cet ordinateur et aucune intervention n'est annoncée.".to_owned()
        }
        Said::RestartDue { reason, latest } => format!(
            "Un redémarrage de cet ordinateur est prévu. Motif : {reason}. Vous pouvez le reporter au plus tard jusqu'à \
             {latest} : cutover-agent defer 2h"
        ),
        Said::RestartDueAt { when, reason, latest } => format!(
            "Redémarrage de cet ordinateur : {when}. Motif : {reason}. Vous pouvez le reporter au plus tard jusqu'à \
             {latest} : cutover-agent defer 2h"
        ),
        Said::RestartDuePutOff { when, reason, latest } => format!(
            "Redémarrage de cet ordinateur : {when} ; il a été reporté. Motif : {reason}. Vous pouvez le reporter au plus \
             tard jusqu'à {latest} : cutover-agent defer 2h"
        ),
        Said::RestartIsPutOff { until, latest } => {
            format!("Le redémarrage est reporté jusqu'à {until}. Dernière limite : {latest}.")
        }
        Said::StartIsPutOffLast { until } => {
            format!("Le début de l'intervention est reporté jusqu'à {until}. Il ne peut plus être reporté.")
        }
        Said::StartIsPutOff { until, left } => {
            format!("Le début de l'intervention est reporté jusqu'à {until}. Reports encore possibles : {left}.")
        }
        Said::WorkAhead {
            when,
            from,
            why,
            contact,
            code,
            may,
        } => format!(
            "Une intervention commencera sur cet ordinateur, au plus tôt : {when} ({from} : {why} ; questions : {contact} ; \
             référence : {code}). {may}"
        ),
        Said::WorkAheadPutOff {
            when,
            from,
            why,
            contact,
            code,
            may,
        } => format!(
            "Une intervention commencera sur cet ordinateur, au plus tôt : {when} ; le début a été reporté ({from} : {why} ; \
             questions : {contact} ; référence : {code}). {may}"
        ),
        Said::StartMayBePutOff { left, longest } => format!(
            "Vous pouvez reporter le début, de {longest} au plus à la fois (reports possibles : {left}) : cutover-agent \
             defer 1h"
        ),
        Said::StartUsedUp => "Le début ne peut plus être reporté.".to_owned(),
        Said::StartHolds { why } => format!("Le début ne peut pas être reporté ({why})."),
        Said::RestartHolds => {
            "Ce redémarrage ne peut pas être reporté : la campagne n'autorise aucun report.".to_owned()
        }
        Said::RestartIsAtWork => "L'ordinateur est déjà en train de redémarrer.".to_owned(),
        Said::TooLong { latest } => {
            format!("C'est plus long que ce qui est autorisé. Vous pouvez reporter au plus tard jusqu'à {latest}.")
        }
        Said::RestartComesLater { comes, latest } => format!(
            "De toute façon, le redémarrage n'aura pas lieu plus tôt. Il est prévu : {comes} ; vous pouvez le reporter au \
             plus tard jusqu'à {latest}."
        ),
        Said::NotKept { why } => {
            format!("Le report n'a pas pu être enregistré ({why}) et n'est donc pas valable. Veuillez réessayer.")
        }
        Said::WorkHasBegun => "L'intervention sur cet ordinateur a commencé.".to_owned(),
        Said::DeferralBeforeIsPending => {
            "Le report précédent n'est pas encore parvenu au serveur. Veuillez réessayer ensuite.".to_owned()
        }
        Said::OnlyWhoIsHere => {
            "Seule une personne connectée à cet ordinateur, dans une session active, peut en reporter le \
                                redémarrage."
                .to_owned()
        }
        Said::WhoIsHereUnknown { why } => format!(
            "Impossible de déterminer si vous êtes connecté ({why}). Un administrateur (root) peut reporter le redémarrage."
        ),
    }
}
