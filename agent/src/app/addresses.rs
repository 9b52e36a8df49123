//! Where the server is: what the configuration names, what the server handed out, and what was known before.
//!
//! The server may hand out another list at any time. One that leads nowhere must not lock the host out, so the former list
//! stays behind it until a call was answered at an address that is not only the former's, and the enrolment's stay for good.

use serde::{Deserialize, Serialize};

use crate::link::{Address, Proxies};
use crate::session::Place;

/// What is kept on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    /// As the server handed them out last.
    handed: Vec<Address>,
    /// As it did before, while nothing was answered at the newer ones.
    former: Vec<Address>,
}

/// Every address, in order.
#[derive(Debug)]
pub(super) struct AddressBook {
    configured: Vec<Address>,
    enrolled: Vec<Address>,
    kept: Kept,
}

impl AddressBook {
    pub(super) const fn new(configured: Vec<Address>, enrolled: Vec<Address>, kept: Kept) -> Self {
        Self {
            configured,
            enrolled,
            kept,
        }
    }

    /// What the configuration names, then what the server handed out, then the former ones, then those of the enrolment;
    /// each once.
    pub(super) fn in_order(&self) -> Vec<Address> {
        let mut all: Vec<Address> = Vec::new();
        let sources = [&self.configured, &self.kept.handed, &self.kept.former, &self.enrolled];
        for address in sources.into_iter().flatten() {
            if !all.contains(address) {
                all.push(address.clone());
            }
        }
        all
    }

    pub(super) fn places(&self, proxies: &Proxies) -> Vec<Place> {
        let place = |address: &Address| Place {
            address: address.to_string(),
            proxy: proxies.before(address),
        };
        self.in_order().iter().map(place).collect()
    }

    /// The server's list as it is now. What is no address is left out. Gives what is to be kept, where something changed.
    pub(super) fn hand(&mut self, texts: &[String]) -> Option<&Kept> {
        let mut handed = Vec::new();
        for text in texts {
            match text.parse() {
                Ok(address) => handed.push(address),
                Err(error) => tracing::warn!(%error, "the server hands out something that is no address"),
            }
        }
        if handed == self.kept.handed {
            return None;
        }
        let before = std::mem::replace(&mut self.kept.handed, handed);
        for address in before {
            if !self.kept.former.contains(&address) {
                self.kept.former.push(address);
            }
        }
        Some(&self.kept)
    }

    /// A call was answered here. Gives what is to be kept, where something changed.
    pub(super) fn answered_at(&mut self, address: &Address) -> Option<&Kept> {
        let known = [&self.configured, &self.kept.handed, &self.enrolled];
        let stands = known.into_iter().flatten().any(|known| known == address);
        if !stands || self.kept.former.is_empty() {
            return None;
        }
        self.kept.former.clear();
        Some(&self.kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str]) -> Vec<Address> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn handed(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn order(book: &AddressBook) -> Vec<String> {
        book.in_order()
            .iter()
            .map(|address| address.host().to_owned())
            .collect()
    }

    #[test]
    fn a_list_that_leads_nowhere_keeps_the_former_and_the_enrolments_behind_it() {
        let mut book = AddressBook::new(vec![], list(&["enrolled"]), Kept::default());
        assert!(book.hand(&handed(&["inside", "outside"])).is_some());
        assert_eq!(order(&book), ["inside", "outside", "enrolled"]);
        book.answered_at(&list(&["inside"])[0]);
        assert!(book.hand(&handed(&["nowhere", "not an address"])).is_some());
        assert_eq!(order(&book), ["nowhere", "inside", "outside", "enrolled"]);
        // Again another, before anything was answered: nothing that ever worked is lost.
        book.hand(&handed(&["elsewhere"]));
        assert_eq!(order(&book), ["elsewhere", "inside", "outside", "nowhere", "enrolled"]);
        assert!(
            book.answered_at(&list(&["outside"])[0]).is_none(),
            "the former alone proves nothing"
        );
        assert!(book.answered_at(&list(&["elsewhere"])[0]).is_some());
        assert_eq!(order(&book), ["elsewhere", "enrolled"]);
        assert!(book.hand(&handed(&["elsewhere"])).is_none(), "the same changes nothing");
    }

    #[test]
    fn a_server_that_hands_out_nothing_leads_back_to_the_enrolment() {
        let mut book = AddressBook::new(vec![], list(&["enrolled"]), Kept::default());
        book.hand(&handed(&["inside"]));
        book.hand(&[]);
        assert_eq!(order(&book), ["inside", "enrolled"]);
        book.answered_at(&list(&["enrolled"])[0]);
        assert_eq!(order(&book), ["enrolled"]);
    }

    #[test]
    fn what_the_configuration_names_comes_first() {
        let mut book = AddressBook::new(list(&["here"]), list(&["enrolled"]), Kept::default());
        book.hand(&handed(&["inside", "here"]));
        assert_eq!(order(&book), ["here", "inside", "enrolled"]);
    }
}
