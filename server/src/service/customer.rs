//! What makes a replacement its organisation's, and whose it is: that a customer's id is one, and the one which the campaign names.

use cutover_core::{
    campaign::{Campaign, Step, Warning},
    catalog::SecretName,
};
use cutover_proto::{ids::ProductId, verdict::is_same_tenant};
use zeroize::Zeroizing;

use super::{Service, ServiceError, secrets::SecretValue};
use crate::store::{
    Reader,
    secrets::{self, SecretRow},
};

impl Service {
    /// What makes a replacement its organisation's is one value, and where it is a file, all of it: the first alone would go out. A
    /// customer's id has its form, since what is none would be found out only when the old product is gone.
    pub(super) fn check_belonging(
        &self,
        product: &str,
        name: &str,
        values: &[SecretValue],
    ) -> Result<(), ServiceError> {
        let invalid = |why: String| Err(ServiceError::Invalid { why });
        let came = values.len();
        let recipe = self.0.catalog.recipes.get(&ProductId::new(product));
        let installs = recipe.is_some_and(|recipe| recipe.install.is_some());
        if installs && came > 1 && name == SecretName::Onboarding.as_str() {
            return invalid(format!(
                "{name} of {product} is one file, and {came} values came; set it with --whole"
            ));
        }
        let is_one = |secret: &SecretName| secret.as_str() == name;
        if installs && came > 1 && [SecretName::Cid, SecretName::ProvisioningToken].iter().any(is_one) {
            return invalid(format!(
                "{name} of {product} is one value, and {came} came; set the one that its console shows"
            ));
        }
        if is_one(&SecretName::Cid) && !values.iter().all(|value| is_customer(&value.0)) {
            return invalid(format!(
                "nothing was set: this {name} is no customer's id, which has 32 hexadecimal digits, a hyphen and two more as its \
                 checksum; set it as the console of {product} shows it"
            ));
        }
        Ok(())
    }

    /// A customer's id that is not the one which the campaign names is refused: a replacement that comes after the removal would be
    /// found to be another's only when the old product is gone.
    pub(super) fn check_customer(&self, db: &mut impl Reader, row: &SecretRow) -> Result<(), ServiceError> {
        if row.name != SecretName::Cid.as_str() {
            return Ok(());
        }
        let Some((_, campaign)) = self.row_and_text(db)? else {
            return Ok(());
        };
        let product = &row.product;
        let Some(values) = self.opened(row) else {
            return Err(ServiceError::Broken {
                why: format!(
                    "nothing was set: what {} sealed of {} of {product} does not open with it again, so nothing tells whose it is; \
                     start the server again and set it anew",
                    self.0.secret_key.path().display(),
                    row.name
                ),
            });
        };
        let Some(wanted) = anothers(&campaign, row, &values) else {
            return Ok(());
        };
        Err(ServiceError::Invalid {
            why: format!(
                "nothing was set: the campaign names {wanted} as tenant of {product}, and this {} is another customer's; set the one \
                 of that console, or correct `tenant` in the campaign first",
                row.name
            ),
        })
    }

    /// Of a campaign that is to come into force: whose replacements would wait, since what is set is another customer's.
    pub(super) fn customer_warnings(
        &self,
        db: &mut impl Reader,
        campaign: &Campaign,
    ) -> Result<Vec<Warning>, ServiceError> {
        let warnings = secrets::list(db)?.into_iter().filter_map(|row| {
            let wanted = anothers(campaign, &row, &self.opened(&row)?)?;
            let place = campaign.replacements.iter().position(|rule| rule.product.as_str() == row.product)?;
            let text = format!(
                "the {} of {} that is set is another customer's than {wanted}: hosts that were to get it will be blocked until \
                 `cutover secret set {}` gives the one of that console",
                row.name, row.product, row.name
            );
            let way = [Step::Key("replacement"), Step::Nth(place), Step::Key("tenant")];
            Some(campaign.warning(&way, text))
        });
        Ok(warnings.collect())
    }
}

/// Whom the campaign names, where a secret is the id of another customer than that.
pub(super) fn anothers<'c>(campaign: &'c Campaign, row: &SecretRow, values: &[Zeroizing<String>]) -> Option<&'c str> {
    if row.name != SecretName::Cid.as_str() {
        return None;
    }
    // Rules that name the same replacement agree whose it has to be.
    let wanted = campaign.tenant_of(&ProductId::new(row.product.clone()))?;
    let is_it = |value: &Zeroizing<String>| is_same_tenant(value, wanted);
    (!values.iter().all(is_it)).then_some(wanted)
}

/// Whether it is what the console shows: the id of the customer with its checksum. What stands around it in a file is no part of it.
fn is_customer(text: &str) -> bool {
    let is_hex = |text: &str, digits| text.len() == digits && text.bytes().all(|it| it.is_ascii_hexdigit());
    let parts = text.trim().split_once('-');
    parts.is_some_and(|(id, check)| is_hex(id, 32) && is_hex(check, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customers_id_has_its_checksum_and_a_file_may_end_in_a_line() {
        let good = "79391C24113773B01D8181C38C3E111A-5B";
        for id in [good, &good.to_lowercase(), &format!(" {good}\r\n")] {
            assert!(is_customer(id), "{id}");
        }
        let no_hex = good.replace('C', "G");
        for id in [
            "",
            "-",
            &good[..32],
            &good[..34],
            &good[1..],
            &no_hex,
            &format!("{good}0"),
            &format!("{good} {good}"),
        ] {
            assert!(!is_customer(id), "{id}");
        }
    }
}
