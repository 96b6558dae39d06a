//! The policies of a record. Those that did not look at the sign-in are the bulk of every record, and
//! the same from one record of a tenant to the next, byte for byte: such a text is read once.

use std::cell::RefCell;

use xxhash_rust::xxh3::xxh3_64;

use super::json::{Fault, Reader, Room, read_text};
use super::sign_in::{PolicyWire, facts_of_idle};
use super::wire::{OrText, Wire};
use crate::policy::PolicyFacts;

/// A policy of a record.
#[derive(Debug)]
pub(super) enum PolicyItem<'a> {
    /// Boxed, since most are of the other kind.
    Read(Box<PolicyWire<'a>>),
    /// Word for word one that was read before, and did not look at its sign-in either.
    Idle { facts: PolicyFacts, text: &'a str },
}

impl Default for PolicyItem<'_> {
    fn default() -> Self {
        Self::Read(Box::default())
    }
}

/// All that the record says of a policy that was found to be known.
pub(super) fn read_policy<'a>(text: &'a str, room: &'a Room) -> PolicyWire<'a> {
    read_text(text, room).unwrap_or_default()
}

impl<'a> Wire<'a> for PolicyItem<'a> {
    fn read(from: &mut Reader<'a>) -> Result<Self, Fault> {
        if from.peek() != Some(b'{') {
            return OrText::read(from).map(|OrText { value, .. }| Self::Read(Box::new(value)));
        }
        let rest = from.rest();
        if let Some((facts, length)) = KNOWN.with_borrow(|known| known.find(rest)) {
            let text = &rest[..length];
            from.pass(text);
            return Ok(Self::Idle { facts, text });
        }
        let wire = PolicyWire::read(from)?;
        if let Some(facts) = facts_of_idle(&wire)
            && let Some(text) = from.plain_since(rest)
        {
            KNOWN.with_borrow_mut(|known| known.learn(text, facts));
        }
        Ok(Self::Read(Box::new(wire)))
    }

    fn of_text(text: &'a str, room: &'a Room) -> Self {
        let OrText { value, .. } = OrText::of_text(text, room);
        Self::Read(Box::new(value))
    }
}

thread_local! {
    static KNOWN: RefCell<KnownPolicies> = RefCell::default();
}

/// Texts of idle policies that this thread has read, and what they show.
#[derive(Debug, Default)]
struct KnownPolicies {
    /// By the beginning of the text, which holds the id or the name of the policy.
    slots: Vec<Slot>,
}

/// The texts of one policy, or of a few: the conditions that were not met differ.
#[derive(Debug, Default)]
struct Slot {
    texts: Vec<(Box<str>, PolicyFacts)>,
    /// The one that the next text takes the place of.
    oldest: usize,
}

/// Policies of a tenant are some dozens; a thread reads the logs of few tenants at a time.
const SLOTS: usize = 256;
const TEXTS_PER_SLOT: usize = 8;
/// Longer texts are hardly those of a policy. With the above: 4 MiB a thread at most, in practice
/// a tenth of it.
const TEXT_BYTES_MAX: usize = 2048;
/// `{"id":"` and a GUID.
const BEGINNING: usize = 48;

impl KnownPolicies {
    /// What is known of the policy with which a text begins, and how long its own text is.
    fn find(&self, rest: &str) -> Option<(PolicyFacts, usize)> {
        let slot = self.slots.get(slot_of(rest)?)?;
        let is_same = |text: &str| rest.as_bytes().starts_with(text.as_bytes());
        let (text, facts) = slot.texts.iter().find(|(text, _)| is_same(text))?;
        Some((*facts, text.len()))
    }

    fn learn(&mut self, text: &str, facts: PolicyFacts) {
        let Some(slot) = slot_of(text).filter(|_| text.len() <= TEXT_BYTES_MAX) else { return };
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, Slot::default);
        }
        let slot = &mut self.slots[slot];
        let known = (Box::from(text), facts);
        if slot.texts.len() < TEXTS_PER_SLOT {
            slot.texts.push(known);
        } else {
            slot.texts[slot.oldest] = known;
            slot.oldest = (slot.oldest + 1) % TEXTS_PER_SLOT;
        }
    }
}

fn slot_of(text: &str) -> Option<usize> {
    let beginning = text.as_bytes().first_chunk::<BEGINNING>()?;
    Some(xxh3_64(beginning) as usize % SLOTS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::wire::List;

    fn read<'a>(text: &'a str, room: &'a Room) -> Vec<PolicyItem<'a>> {
        read_text::<List<PolicyItem<'a>>>(text, room).expect(text).0
    }

    fn is_idle(item: &PolicyItem<'_>) -> bool {
        matches!(item, PolicyItem::Idle { .. })
    }

    fn policy(number: usize, result: &str) -> String {
        format!(
            r#"{{"id": "0000000{number}-aaaa-4bbb-8ccc-000000000000", "displayName": "Policy {number}",
            "conditionsSatisfied": "none", "enforcedGrantControls": ["Mfa"], "result": "{result}"}}"#
        )
    }

    #[test]
    fn an_idle_policy_is_read_once_and_says_the_same_ever_after() {
        let room = Room::new();
        let list = format!("[{}, {} ]", policy(1, "notApplied"), policy(2, "notEnabled"));
        let first = read(&list, &room);
        assert!(!first.iter().any(is_idle), "nothing is known yet");
        let again = read(&list, &room);
        for (read, known) in first.iter().zip(&again) {
            let (PolicyItem::Read(wire), PolicyItem::Idle { facts, text }) = (read, known) else {
                panic!("not known: {known:?}");
            };
            assert_eq!(facts_of_idle(wire), Some(*facts));
            assert_eq!(format!("{:?}", read_policy(text, &room)), format!("{wire:?}"));
        }
    }

    #[test]
    fn what_stands_behind_a_known_policy_is_read_as_ever() {
        let room = Room::new();
        let idle = policy(3, "notApplied");
        // Few and many policies, so that the next token is one that was found, or is not.
        for count in [1, 2, 40] {
            let list = vec![idle.as_str(); count].join(",");
            let list = format!(r#"[{list}, {{"id":"x","result":"failure"}}, "text", null]"#);
            for _ in 0..2 {
                let items = read(&list, &room);
                assert_eq!(items.len(), count + 3);
                let PolicyItem::Read(wire) = &items[count] else { panic!("{:?}", items[count]) };
                assert_eq!(wire.result.0, Some("failure"));
            }
            assert!(read(&list, &room)[..count].iter().all(is_idle));
            let torn = list.replacen(",\n", "\n", 1).replacen("}, {", "} {", 1);
            assert!(read_text::<List<PolicyItem<'_>>>(&torn, &room).is_none(), "{torn}");
        }
    }

    #[test]
    fn what_is_not_plain_or_not_idle_is_not_kept() {
        let room = Room::new();
        let escaped = policy(4, "notApplied").replace("Policy 4", r"Policy \u0034");
        for text in [escaped, policy(5, "failure"), policy(6, "reportOnlyFailure"), "{}".into()] {
            let list = format!("[{text}]");
            assert!(!read(&list, &room).iter().any(is_idle));
            assert!(!read(&list, &room).iter().any(is_idle), "{text}");
        }
    }

    #[test]
    fn few_texts_of_each_policy_are_kept() {
        let mut known = KnownPolicies::default();
        let facts = PolicyFacts { count: 1, ..PolicyFacts::default() };
        let text = |number: usize| format!("{}{number:04}", " ".repeat(BEGINNING));
        (0..100).for_each(|number| known.learn(&text(number), facts));
        let kept = (0..100).filter(|&number| known.find(&text(number)).is_some()).count();
        assert_eq!(kept, TEXTS_PER_SLOT);
        assert_eq!(known.find(&text(99)), Some((facts, BEGINNING + 4)));
    }
}
