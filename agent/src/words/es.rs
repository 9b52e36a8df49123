//! Spanish.

use super::Said;

pub(super) fn text(said: &Said<'_>) -> String {
    match said {
        Said::RestartComes { when, reason } => {
            format!("Cutover: reinicio de este equipo: {when}.\nMotivo: {reason}.\nPor favor, guarde su trabajo.")
        }
        Said::HowToPutRestartOff { latest } => {
            format!("Para aplazar el reinicio, como máximo hasta {latest}: cutover-agent defer 2h")
        }
        Said::RestartCalledOff => "Cutover: el reinicio de este equipo se ha cancelado.".to_owned(),
        Said::WorkComes { when } => format!("Cutover: comenzarán trabajos en este equipo, no antes de {when}."),
        Said::WorkBegins => "Cutover: ahora comienzan trabajos en este equipo.".to_owned(),
        Said::WhomToAsk { contact, code } => format!("Preguntas: {contact}. Referencia: {code}."),
        Said::RestartWouldBeTold => "Si hace falta un reinicio, se le avisará antes.".to_owned(),
        Said::HowToPutStartOff { longest } => {
            format!("Para aplazar el comienzo, {longest} como máximo cada vez: cutover-agent defer 1h")
        }
        Said::StartComesAnyhow { until } => {
            format!("Cutover: no se ha podido aplazar hasta {until} el comienzo de los trabajos en este equipo.")
        }
        Said::NotUnderstood => {
            "El agente no entiende esta petición. ¿Son ambos programas de la misma versión?".to_owned()
        }
        Said::NothingDue => "No hay ningún reinicio pendiente en este equipo ni trabajos anunciados.".to_owned(),
        Said::RestartDue { reason, latest } => format!(
            "Hay un reinicio pendiente de este equipo. Motivo: {reason}. Puede aplazarlo como máximo hasta {latest}: \
             cutover-agent defer 2h"
        ),
        Said::RestartDueAt { when, reason, latest } => format!(
            "Reinicio de este equipo: {when}. Motivo: {reason}. Puede aplazarlo como máximo hasta {latest}: cutover-agent \
             defer 2h"
        ),
        Said::RestartDuePutOff { when, reason, latest } => format!(
            "Reinicio de este equipo: {when}; se aplazó. Motivo: {reason}. Puede aplazarlo como máximo hasta {latest}: \
             cutover-agent defer 2h"
        ),
        Said::RestartIsPutOff { until, latest } => {
            format!("El reinicio se ha aplazado hasta {until}. Límite: {latest}.")
        }
        Said::StartIsPutOffLast { until } => {
            format!("El comienzo de los trabajos se ha aplazado hasta {until}. Ya no se puede aplazar más.")
        }
        Said::StartIsPutOff { until, left } => {
            format!("El comienzo de los trabajos se ha aplazado hasta {until}. Aplazamientos restantes: {left}.")
        }
        Said::WorkAhead {
            when,
            from,
            why,
            contact,
            code,
            may,
        } => format!(
            "Comenzarán trabajos en este equipo, no antes de {when} ({from}: {why}; preguntas: {contact}; referencia: \
             {code}). {may}"
        ),
        Said::WorkAheadPutOff {
            when,
            from,
            why,
            contact,
            code,
            may,
        } => format!(
            "Comenzarán trabajos en este equipo, no antes de {when}; el comienzo se aplazó ({from}: {why}; preguntas: \
             {contact}; referencia: {code}). {may}"
        ),
        Said::StartMayBePutOff { left, longest } => format!(
            "Puede aplazar el comienzo, {longest} como máximo cada vez (aplazamientos restantes: {left}): cutover-agent \
             defer 1h"
        ),
        Said::StartUsedUp => "El comienzo ya no se puede aplazar más.".to_owned(),
        Said::StartHolds { why } => format!("El comienzo no se puede aplazar ({why})."),
        Said::RestartHolds => {
            "Este reinicio no se puede aplazar: la campaña no permite ningún aplazamiento.".to_owned()
        }
        Said::RestartIsAtWork => "El equipo ya se está reiniciando.".to_owned(),
        Said::TooLong { latest } => {
            format!("Es más de lo permitido. Puede aplazarlo como máximo hasta {latest}.")
        }
        Said::RestartComesLater { comes, latest } => format!(
            "De todos modos, el reinicio no será antes. Está previsto: {comes}; puede aplazarlo como máximo hasta {latest}."
        ),
        Said::NotKept { why } => format!(
            "No se ha podido guardar el aplazamiento ({why}), por lo que no es válido. Por favor, inténtelo de nuevo."
        ),
        Said::WorkHasBegun => "Los trabajos en este equipo han comenzado.".to_owned(),
        Said::DeferralBeforeIsPending => {
            "El aplazamiento anterior aún no ha llegado al servidor. Por favor, inténtelo de nuevo después.".to_owned()
        }
        Said::OnlyWhoIsHere => {
            "Solo quien ha iniciado sesión en este equipo, con la sesión activa, puede aplazar su reinicio.".to_owned()
        }
        Said::WhoIsHereUnknown { why } => format!(
            "No se puede determinar si usted ha iniciado sesión ({why}). Un administrador (root) puede aplazar el reinicio."
        ),
    }
}
