//! Japanese.

use super::Said;

pub(super) fn text(said: &Said<'_>) -> String {
    match said {
        Said::RestartComes { when, reason } => format!(
            "Cutover: このコンピューターは次の時刻に再起動します: {when}\n理由: {reason}\n作業中の内容を保存してください。"
        ),
        Said::HowToPutRestartOff { latest } => {
            format!("再起動の延期（最長 {latest} まで）: cutover-agent defer 2h")
        }
        Said::RestartCalledOff => "Cutover: このコンピューターの再起動は中止されました。".to_owned(),
        Said::WorkComes { when } => {
            format!("Cutover: このコンピューターでの作業は次の時刻以降に始まります: {when}")
        }
        Said::WorkBegins => "Cutover: このコンピューターでの作業を開始します。".to_owned(),
        Said::WhomToAsk { contact, code } => format!("お問い合わせ: {contact}\n参照番号: {code}"),
        Said::RestartWouldBeTold => "再起動が必要な場合は、事前にお知らせします。".to_owned(),
        Said::HowToPutStartOff { longest } => {
            format!("開始の延期（1 回につき最長 {longest}）: cutover-agent defer 1h")
        }
        Said::StartComesAnyhow { until } => {
            format!("Cutover: このコンピューターでの作業の開始を次の時刻まで延期できませんでした: {until}")
        }
        Said::NotUnderstood => {
            "エージェントはこの要求を理解できません。両方のプログラムが同じバージョンか確認してください。".to_owned()
        }
        Said::NothingDue => "このコンピューターでは、再起動も作業も予定されていません。".to_owned(),
        Said::RestartDue { reason, latest } => format!(
            "このコンピューターの再起動が必要です。理由: {reason}。最長 {latest} まで延期できます: cutover-agent defer 2h"
        ),
        Said::RestartDueAt { when, reason, latest } => format!(
            "このコンピューターの再起動: {when}。理由: {reason}。最長 {latest} まで延期できます: cutover-agent defer 2h"
        ),
        Said::RestartDuePutOff { when, reason, latest } => format!(
            "このコンピューターの再起動: {when}（延期済み）。理由: {reason}。最長 {latest} まで延期できます: cutover-agent \
             defer 2h"
        ),
        Said::RestartIsPutOff { until, latest } => {
            format!("再起動を {until} まで延期しました。延期できる期限は {latest} です。")
        }
        Said::StartIsPutOffLast { until } => {
            format!("作業の開始を {until} まで延期しました。これ以上は延期できません。")
        }
        Said::StartIsPutOff { until, left } => {
            format!("作業の開始を {until} まで延期しました。延期できる残りの回数: {left}")
        }
        Said::WorkAhead {
            when,
            from,
            why,
            contact,
            code,
            may,
        } => format!(
            "このコンピューターでの作業は {when} 以降に始まります（{from}: {why}、お問い合わせ: {contact}、参照番号: {code}）。\
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
            "このコンピューターでの作業は {when} 以降に始まります。開始は延期済みです（{from}: {why}、お問い合わせ: \
             {contact}、参照番号: {code}）。{may}"
        ),
        Said::StartMayBePutOff { left, longest } => {
            format!("開始は 1 回につき最長 {longest} 延期できます（残りの回数: {left}）: cutover-agent defer 1h")
        }
        Said::StartUsedUp => "開始はこれ以上延期できません。".to_owned(),
        Said::StartHolds { why } => format!("開始は延期できません（{why}）。"),
        Said::RestartHolds => "この再起動は延期できません。キャンペーンで延期が許可されていません。".to_owned(),
        Said::RestartIsAtWork => "コンピューターはすでに再起動しています。".to_owned(),
        Said::TooLong { latest } => {
            format!("許可されている時間を超えています。最長 {latest} まで延期できます。")
        }
        Said::RestartComesLater { comes, latest } => {
            format!("再起動はそれより前には行われません。予定: {comes}。最長 {latest} まで延期できます。")
        }
        Said::NotKept { why } => {
            format!("延期を保存できなかったため（{why}）、延期は有効ではありません。もう一度お試しください。")
        }
        Said::WorkHasBegun => "このコンピューターでの作業はすでに始まっています。".to_owned(),
        Said::DeferralBeforeIsPending => {
            "前回の延期がまだサーバーに届いていません。しばらくしてからもう一度お試しください。".to_owned()
        }
        Said::OnlyWhoIsHere => {
            "再起動を延期できるのは、このコンピューターにログインし、セッションがアクティブな方だけです。".to_owned()
        }
        Said::WhoIsHereUnknown { why } => {
            format!("ログインしているかどうかを確認できません（{why}）。管理者 (root) は再起動を延期できます。")
        }
    }
}
