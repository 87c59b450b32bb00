//! The list keeps what Python's keeps, and no bytes in the segment lead it astray.

use proptest::prelude::*;
use shared_memory::{Item, Memfd, ShareableList, list::ListError};

fn item() -> impl Strategy<Value = Item> {
    prop_oneof![
        any::<i64>().prop_map(Item::Int),
        any::<f64>().prop_map(Item::Float),
        any::<bool>().prop_map(Item::Bool),
        "[a-zé\u{1F600}]{0,20}".prop_map(Item::Str),
        prop::collection::vec(1..=255_u8, 0..20).prop_map(Item::Bytes),
        Just(Item::None),
    ]
}

/// NaN is not equal to itself.
fn same(left: &Item, right: &Item) -> bool {
    match (left, right) {
        (Item::Float(left), Item::Float(right)) => left.to_bits() == right.to_bits(),
        _ => left == right,
    }
}

fn list(items: &[Item]) -> (Memfd, ShareableList) {
    let memory = Memfd::create("list", ShareableList::size(items)).unwrap();
    let list = ShareableList::create(&memory, items).unwrap();
    (memory, list)
}

fn bytes(memory: &Memfd) -> Vec<u8> {
    let mut bytes = vec![0; memory.size()];
    memory.map().unwrap().read(0, &mut bytes).unwrap();
    bytes
}

#[test]
fn every_byte_is_where_python_has_it() {
    let items =
        [Item::Int(-2), Item::Bool(true), Item::Str("eight ch".into()), Item::None, Item::Bytes(vec![1])];
    let (memory, _list) = list(&items);
    let mut expected: Vec<u8> =
        [5_i64, 0, 8, 16, 32, 40, 48].iter().flat_map(|word| word.to_ne_bytes()).collect();
    expected.extend((-2_i64).to_ne_bytes());
    expected.extend([0, 0, 0, 0, 0, 0, 0, 1]);
    expected.extend(b"eight ch\0\0\0\0\0\0\0\0"); // the next multiple of 8 that is larger
    expected.extend([0; 8]);
    expected.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend(b"q\0\0\0\0\0\0\0xxxxxxx?16s\0\0\0\0\0xxxxxx?x8s\0\0\0\0\0\0");
    expected.extend([0, 0, 1, 3, 2]);
    assert_eq!(bytes(&memory), expected);
}

#[test]
fn a_slot_does_not_grow() {
    let (_memory, list) = list(&[Item::Str("1234567".into()), Item::Int(1)]);
    list.set(0, &Item::Str("12345678".into())).unwrap();
    let error = list.set(0, &Item::Bytes(vec![1; 9])).unwrap_err();
    assert_eq!(error, ListError::TooLong { index: 0, bytes: 9, room: 8 });
    assert_eq!(list.set(1, &Item::Bytes(vec![1, 0])), Err(ListError::TrailingZero));
    list.set(1, &Item::Str("a word".into())).unwrap();
    assert_eq!(list.to_vec().unwrap(), [Item::Str("12345678".into()), Item::Str("a word".into())]);
    assert_eq!(list.get(2), Err(ListError::Index { index: 2, len: 2 }));
    assert_eq!(list.set(usize::MAX, &Item::None), Err(ListError::Index { index: usize::MAX, len: 2 }));
}

#[test]
fn an_empty_list_is_a_list() {
    let (memory, list) = list(&[]);
    assert!(list.is_empty());
    assert!(ShareableList::attach(&memory).unwrap().to_vec().unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_goes_in_comes_out(items in prop::collection::vec(item(), 0..8)) {
        let (memory, _list) = list(&items);
        let seen = ShareableList::attach(&memory).unwrap().to_vec().unwrap();
        prop_assert_eq!(items.len(), seen.len());
        prop_assert!(items.iter().zip(&seen).all(|(left, right)| same(left, right)), "{items:?} {seen:?}");
    }

    #[test]
    fn a_changed_item_leaves_its_neighbours_alone(items in prop::collection::vec(item(), 3..6), new in item()) {
        let (_memory, list) = list(&items);
        let old = list.get(1).unwrap();
        let stored = list.set(1, &new);
        let expected = if stored.is_ok() { &new } else { &old };
        prop_assert!(same(&list.get(1).unwrap(), expected));
        for index in [0, 2] {
            prop_assert!(same(&list.get(index).unwrap(), &items[index]));
        }
    }

    #[test]
    fn random_bytes_are_an_error_or_a_list_inside_of_them(bytes in prop::collection::vec(any::<u8>(), 1..300)) {
        let memory = Memfd::create("random", bytes.len()).unwrap();
        memory.map().unwrap().write(0, &bytes).unwrap();
        if let Ok(list) = ShareableList::attach(&memory) {
            prop_assert!(25 * list.len() <= bytes.len());
        }
    }

    /// Some bytes of a good list are changed: what is read is an error, or a value that its slot can hold.
    #[test]
    fn damage_is_an_error_or_another_value(
        items in prop::collection::vec(item(), 1..6),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        late in any::<bool>(),
    ) {
        let (memory, list) = list(&items);
        let mapping = memory.map().unwrap();
        for (place, byte) in damage {
            mapping.write(place.index(memory.size()), &[byte]).unwrap();
        }
        // Either it was so before we came, or it happens while we are there.
        let list = if late { Ok(list) } else { ShareableList::attach(&memory) };
        let Ok(list) = list else { return Ok(()) };
        for index in 0..list.len() {
            match list.get(index) {
                Ok(Item::Str(text)) => prop_assert!(text.len() <= memory.size()),
                Ok(Item::Bytes(bytes)) => prop_assert!(bytes.len() <= memory.size()),
                Ok(_) | Err(ListError::Corrupt(_)) => {}
                Err(other) => prop_assert!(false, "{other}"),
            }
            let _ = list.set(index, &Item::Bytes(vec![7; 8]));
        }
    }
}

#[test]
fn an_offset_that_lies_is_refused() {
    // Backwards, beyond the end, not on a word, negative, so large that a sum would overflow.
    for (index, offset) in [(1, 8), (2, 0), (2, 12), (2, 1 << 20), (2, -8), (2, i64::MAX), (3, i64::MAX - 7)]
    {
        let (memory, _list) = list(&[Item::Int(1), Item::Int(2)]);
        memory.map().unwrap().write(8 * index, &i64::to_ne_bytes(offset)).unwrap();
        let error = ShareableList::attach(&memory).map(drop).unwrap_err();
        assert!(matches!(error, ListError::Corrupt(_)), "{index} {offset}: {error}");
    }
    // All in order and inside, and only crooked: a number there could not be read in one step.
    let (memory, _list) = list(&[Item::Str("in sixteen".into()), Item::Int(2)]);
    memory.map().unwrap().write(16, &i64::to_ne_bytes(12)).unwrap();
    assert!(matches!(ShareableList::attach(&memory), Err(ListError::Corrupt(_))));
    for count in [-1, 3, 1 << 40, i64::MAX, i64::MIN] {
        let (memory, _list) = list(&[Item::Int(1), Item::Int(2)]);
        memory.map().unwrap().write(0, &i64::to_ne_bytes(count)).unwrap();
        assert!(ShareableList::attach(&memory).is_err(), "{count}");
    }
}
