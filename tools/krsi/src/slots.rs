// SPDX-License-Identifier: GPL-2.0-or-later

//! How a list of slots is changed while a policy reads it: it reads them in order up to the first
//! that is empty. What is in the list before and after must be there all the time.

/// Puts something into a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub slot: usize,
    /// What; None empties it.
    pub value: Option<Vec<u8>>,
}

/// The steps from the one list to the other; their order does not count.
pub fn steps(now: &[Vec<u8>], wanted: &[Vec<u8>]) -> Vec<Step> {
    let mut list = now.to_vec();
    let mut steps = Vec::new();
    let is_stale =
        |list: &[Vec<u8>], at: usize| !wanted.contains(&list[at]) || list[..at].contains(&list[at]);
    for value in wanted {
        if list.contains(value) {
            continue;
        }
        let slot = (0..list.len()).find(|at| is_stale(&list, *at));
        let slot = slot.unwrap_or(list.len());
        if slot == list.len() {
            list.push(value.clone());
        } else {
            list[slot].clone_from(value);
        }
        let value = Some(value.clone());
        steps.push(Step { slot, value });
    }
    while let Some(at) = (0..list.len()).find(|at| is_stale(&list, *at)) {
        let last = list.len() - 1;
        let value = list[last].clone();
        if at != last && !is_stale(&list, last) {
            list[at].clone_from(&value);
            let value = Some(value);
            steps.push(Step { slot: at, value });
        }
        list.pop();
        steps.push(Step {
            slot: last,
            value: None,
        });
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROOM: usize = 8;

    /// What a policy sees.
    fn seen(slots: &[Option<Vec<u8>>]) -> Vec<Vec<u8>> {
        slots.iter().map_while(Clone::clone).collect()
    }

    fn lists() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::btree_set(0u8..12, 0..ROOM + 1)
            .prop_map(|set| set.into_iter().map(|byte| vec![byte]).collect::<Vec<_>>())
            .prop_shuffle()
    }

    proptest! {
        #[test]
        fn what_stays_is_always_there(now in lists(), wanted in lists()) {
            let mut slots = vec![None; ROOM];
            for (slot, value) in slots.iter_mut().zip(&now) {
                *slot = Some(value.clone());
            }
            let steps = steps(&now, &wanted);
            for step in &steps {
                slots[step.slot].clone_from(&step.value);
                let seen = seen(&slots);
                for value in now.iter().filter(|value| wanted.contains(value)) {
                    prop_assert!(seen.contains(value), "{steps:?}");
                }
            }
            let mut seen = seen(&slots);
            let mut wanted = wanted;
            seen.sort();
            wanted.sort();
            prop_assert_eq!(seen, wanted);
        }

        #[test]
        fn what_is_right_is_left(mut list in lists()) {
            let now = list.clone();
            list.reverse();
            prop_assert!(steps(&now, &list).is_empty());
        }
    }
}
