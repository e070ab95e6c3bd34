//! What streams are told, beyond what the vectors of `relay-streams` record.

use super::*;
use crate::credentials::{Credential, EnvironmentId, SdkKey};
use highwater_publisher::{Object, Options, Reader, SubscriptionError};

fn sdk() -> Credential {
    Credential::Sdk(SdkKey::new("sdk-1").unwrap())
}

fn page() -> Credential {
    Credential::Environment(EnvironmentId::new("e"))
}

fn flag(key: &str, version: i64) -> Item {
    let object = Object::parse(&format!("{{\"version\":{version}}}")).unwrap();
    Item { kind: Kind::Flag, key: key.into(), version, object: Some(object) }
}

fn all(flags: &[(&str, i64)]) -> Collections {
    let flags = flags.iter().map(|(key, version)| flag(key, *version)).collect();
    Collections { flags: Some(flags), segments: None }
}

fn streams() -> EnvStreams {
    let mut streams = EnvStreams::new(Store::new("e", Options::default()), Options::default());
    streams.add_credential(sdk());
    streams.add_credential(page());
    streams
}

async fn join(
    streams: &mut EnvStreams,
    provider: StreamProvider,
    as_: &Credential,
) -> (String, Reader) {
    let Joined { initial, reader } = streams.join(provider, as_).unwrap();
    (text(initial.bytes().await.unwrap_or_default()), reader)
}

fn text(bytes: bytes::Bytes) -> String {
    String::from_utf8(bytes.into()).unwrap()
}

fn read(reader: &mut Reader) -> Vec<String> {
    reader.take(usize::MAX).unwrap().frames.into_iter().map(text).collect()
}

#[tokio::test]
async fn of_a_whole_that_comes_again_only_what_differs_is_told() {
    let mut streams = streams();
    streams.change_to(&all(&[("a", 1), ("b", 1), ("c", 1)])).unwrap();
    let (_, mut reader) = join(&mut streams, StreamProvider::All, &sdk()).await;
    let (_, mut pings) = join(&mut streams, StreamProvider::JsPing, &page()).await;

    streams.change_to(&all(&[("a", 1), ("b", 1), ("c", 1)])).unwrap();
    assert!(read(&mut reader).is_empty() && read(&mut pings).is_empty());

    streams.change_to(&all(&[("a", 2), ("b", 1)])).unwrap();
    assert_eq!(
        read(&mut reader),
        [
            "event: patch\ndata: {\"path\":\"/flags/a\",\"data\":{\"version\":2}}\n\n",
            "event: delete\ndata: {\"path\":\"/flags/c\",\"version\":2}\n\n",
        ]
    );
    assert_eq!(read(&mut pings).len(), 1, "one for all of it");

    // Back to where the deletion is newer, or the version older: a patch would not be believed.
    streams.change_to(&all(&[("a", 2), ("b", 1), ("c", 1)])).unwrap();
    assert!(read(&mut reader)[0].starts_with("event: put\n"));
    streams.change_to(&all(&[("a", 1), ("b", 1), ("c", 1)])).unwrap();
    assert!(read(&mut reader)[0].starts_with("event: put\n"));
}

#[tokio::test]
async fn what_comes_at_once_is_one_transaction_and_one_ping() {
    let mut streams = streams();
    streams.replace(&all(&[("a", 1), ("b", 5)])).unwrap();
    let (_, mut reader) = join(&mut streams, StreamProvider::All, &sdk()).await;
    let (_, mut pings) = join(&mut streams, StreamProvider::JsPing, &page()).await;
    let mut newest = streams.store_mut().topic().follow();
    let gone = Item { object: None, ..flag("c", 1) };
    let items = [flag("a", 3), flag("a", 2), flag("b", 4), gone, flag("d", 1)];
    assert!(streams.update(&items).unwrap());
    assert_eq!((read(&mut reader).len(), read(&mut pings).len()), (5, 1));
    let frames = read(&mut newest);
    let [transaction] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!(transaction.matches("event: put-object").count(), 2, "{transaction}");
    assert!(transaction.contains("\"key\":\"a\",\"version\":3"));
    assert!(!streams.update(&[flag("c", 1)]).unwrap(), "deleted at this version");
    assert!(!streams.update(&[]).unwrap());
    assert_eq!((read(&mut reader).len(), read(&mut pings).len()), (1, 1));
}

#[tokio::test]
async fn a_herd_shares_one_put_and_reads_on_from_it() {
    let mut streams = streams();
    let items: Vec<_> = (0..50).map(|n| format!("flag-{n}")).collect();
    let items: Vec<_> = items.iter().map(|key| (&**key, 1)).collect();
    streams.replace(&all(&items)).unwrap();
    let Joined { initial, .. } = streams.join(StreamProvider::All, &sdk()).unwrap();
    let first = initial.bytes().await.unwrap();
    streams.update(&[flag("flag-7", 2)]).unwrap();
    let Joined { initial, mut reader } = streams.join(StreamProvider::All, &sdk()).unwrap();
    assert_eq!(initial.bytes().await.unwrap().as_ptr(), first.as_ptr());
    assert_eq!(read(&mut reader).len(), 1);

    // Much later it is another one.
    for version in 3..99 {
        streams.update(&[flag("flag-7", version)]).unwrap();
    }
    let (put, mut reader) = join(&mut streams, StreamProvider::All, &sdk()).await;
    assert!(put.contains("\"flag-7\":{\"version\":98}"));
    assert!(read(&mut reader).is_empty());
}

#[tokio::test]
async fn nobody_is_told_an_old_put_when_nobody_listened_meanwhile() {
    let mut streams = streams();
    streams.replace(&all(&[("a", 1)])).unwrap();
    join(&mut streams, StreamProvider::All, &sdk()).await;
    streams.remove_credential(&sdk());
    streams.update(&[flag("a", 2)]).unwrap();
    streams.add_credential(sdk());
    let (put, _) = join(&mut streams, StreamProvider::All, &sdk()).await;
    assert!(put.contains("\"version\":2"));
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_told_so() {
    let options = Options { log_transactions: 4, ..Options::default() };
    let mut streams = EnvStreams::new(Store::new("e", options), options);
    streams.add_credential(sdk());
    streams.replace(&all(&[("a", 1)])).unwrap();
    let (_, mut reader) = join(&mut streams, StreamProvider::All, &sdk()).await;
    for version in 2..9 {
        streams.update(&[flag("a", version)]).unwrap();
    }
    assert!(matches!(reader.take(usize::MAX), Err(SubscriptionError::TooSlow)));
    let (put, _) = join(&mut streams, StreamProvider::All, &sdk()).await;
    assert!(put.contains("\"version\":8"));
}
