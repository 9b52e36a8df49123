//! How a secret of an order is said to an installer: by which property, and in which form.

use zeroize::Zeroizing;

use crate::{WireError, ids::ProductId, seal, spelling::on_wire, v1, words};

/// What makes a replacement its organisation's: a file, whole. No property of Windows Installer, but said in its place.
pub const ONBOARDING: &str = "ONBOARDING";

/// By which a replacement is told whose it is: the vendor's id of a customer.
pub const CUSTOMER: &str = "CID";

/// What a vendor gives its customer to let machines in.
pub const PROVISIONING: &str = "PROVTOKEN";

/// What an agent says to a vendor's program on its command line, because that takes it nowhere else.
pub const ON_COMMAND_LINE: &[&str] = &[CUSTOMER, PROVISIONING];

/// The properties of Windows Installer by which a secret may be said, and no other: some mean code that is loaded
/// (`TRANSFORMS`), others what is installed where. Beside them what a replacement is onboarded by.
pub const PROPERTIES: &[&str] = &[
    "KLLOGIN",
    "KLPASSWD",
    "KLUNINSTPASSWD",
    ONBOARDING,
    CUSTOMER,
    PROVISIONING,
];

words! {
    /// In which form an installer takes a secret.
    pub enum SecretForm("form of a secret") {
        /// As it is.
        Plain = "plain",
        /// Its UTF-16LE in hex.
        Utf16leHex = "utf16le-hex",
    }
}

on_wire!(SecretForm, "secret.form", v1::SecretForm { Plain, Utf16leHex });

impl SecretForm {
    /// What the installer is told.
    #[must_use]
    pub fn say(self, plain: &str) -> Zeroizing<String> {
        match self {
            Self::Plain => Zeroizing::new(plain.to_owned()),
            Self::Utf16leHex => {
                let wide: Zeroizing<Vec<u8>> =
                    Zeroizing::new(plain.encode_utf16().flat_map(u16::to_le_bytes).collect());
                Zeroizing::new(hex::encode_upper(wide.as_slice()))
            }
        }
    }
}

/// Where a secret of an order belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretUse {
    /// The product that asks for it.
    pub product: ProductId,
    /// Of several that are tried one after the other, which; from 0. All secrets of one try are said together.
    pub attempt: u32,
    /// By which property of Windows Installer.
    pub property: String,
    /// In which form.
    pub form: SecretForm,
}

impl SecretUse {
    /// Seals a secret for this use of it.
    ///
    /// # Errors
    /// As [`seal::seal`].
    pub fn seal(
        &self,
        host_key: &[u8],
        host: crate::ids::HostId,
        order: u64,
        plain: &[u8],
    ) -> Result<v1::SealedSecret, seal::SealError> {
        // What it is bound to is also what it is for: one of another product or property does not open in its place.
        let sealed = seal::seal(host_key, host, order, &self.name(), plain)?;
        Ok(v1::SealedSecret {
            product: self.product.to_string(),
            attempt: self.attempt,
            property: self.property.clone(),
            form: self.form.number(),
            ..sealed
        })
    }

    /// Reads it; `None` where the secret is only to be kept out of logs.
    ///
    /// # Errors
    /// When the form is not known here, the property is none by which a secret may be said, or the secret was sealed for another use.
    pub fn of(secret: &v1::SealedSecret) -> Result<Option<Self>, WireError> {
        if secret.product.is_empty() {
            return Ok(None);
        }
        let found = Self {
            product: ProductId::new(secret.product.clone()),
            attempt: secret.attempt,
            property: secret.property.clone(),
            form: secret.form.try_into()?,
        };
        let invalid = |field, why: String| Err(WireError::Invalid { field, why });
        if !PROPERTIES.contains(&found.property.as_str()) {
            return invalid(
                "secret.property",
                format!("`{}` is none by which a secret is said", found.property),
            );
        }
        if found.name() != secret.name {
            return invalid("secret.name", format!("`{}` was sealed for another use", secret.name));
        }
        Ok(Some(found))
    }

    fn name(&self) -> String {
        format!("{}/{}/{}/{}", self.product, self.attempt, self.property, self.form)
    }
}

/// Whether it is a public property of Windows Installer: capital letters, digits, `_` and `.`, and no digit or point first.
/// Others reach no installation.
#[must_use]
pub fn is_property(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | '.'))
}
