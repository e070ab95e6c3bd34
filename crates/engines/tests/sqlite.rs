//! What can happen to a database file.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)] // a test that cannot go on has failed

use highwater_engines::{Sqlite, SqliteOptions};
use highwater_publisher::engine::{Append, AppendError, Engine, Failure, Place, Read, Snapshot};
use highwater_publisher::{Id, Object, Operation};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A place for a database, and one for its marker that no backup knows of.
struct Home {
    data: TempDir,
    run: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { data: tempfile::tempdir().unwrap(), run: tempfile::tempdir().unwrap() }
    }

    fn open(&self) -> Sqlite {
        self.open_in(self.data.path())
    }

    fn open_in(&self, folder: &Path) -> Sqlite {
        Sqlite::open(folder, &self.options()).unwrap()
    }

    fn options(&self) -> SqliteOptions {
        SqliteOptions { marker: Some(self.run.path().into()), ..SqliteOptions::default() }
    }
}

fn put(key: &str, text: &str) -> Append {
    let object = Object::parse(&format!("{{\"text\":\"{text}\"}}")).unwrap();
    Append::new([Operation::put(Id::new("k", key).unwrap(), object)].into())
}

fn delete(key: &str) -> Append {
    Append::new([Operation::delete(Id::new("k", key).unwrap())].into())
}

async fn write(engine: &Sqlite, key: &str) -> Place {
    engine.append("t", put(key, "")).await.unwrap().place
}

async fn snapshot(engine: &Sqlite) -> Snapshot {
    engine.snapshot("t").await.unwrap().unwrap()
}

fn copy(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was() {
    let home = Home::new();
    let engine = home.open();
    let first = write(&engine, "a").await;
    engine.append("t", delete("a")).await.unwrap();
    let last = write(&engine, "b").await;
    let before = snapshot(&engine).await;
    let token = engine.acquire("lease").await.unwrap().unwrap().token();
    drop(engine);

    let engine = home.open();
    assert_eq!(engine.topics().await.unwrap(), ["t"]);
    assert_eq!(snapshot(&engine).await, before);
    assert_eq!(before.place, last);
    let Read::Records(missed) = engine.read("t", &first, usize::MAX).await.unwrap() else {
        panic!("the log is gone")
    };
    assert_eq!(missed.iter().map(|record| record.index).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(engine.watch("t").await.unwrap().unwrap().newest(), last);
    let next = write(&engine, "c").await;
    assert_eq!((next.epoch, next.index), (last.epoch, 4));
    // Who held a lease is not known any more; that its token was given out is.
    assert!(engine.acquire("lease").await.unwrap().unwrap().token() > token);
}

/// Every way to come back with less than was acknowledged, or with another's continuation of it.
#[tokio::test]
async fn what_may_not_be_the_newest_begins_another_epoch() {
    let home = Home::new();
    let engine = home.open();
    let place = write(&engine, "a").await;
    assert_eq!(snapshot(&engine).await.place, place);
    drop(engine);
    let files = fs::read_dir(home.data.path()).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["highwater.db", "highwater.lock"], "all is in one file");
    let backup = tempfile::tempdir().unwrap();
    copy(home.data.path(), backup.path());
    let restore = || copy(backup.path(), home.data.path());

    // A backup that nothing was written after is no step back.
    restore();
    let engine = home.open();
    assert_eq!(snapshot(&engine).await.place, place);
    let lost = write(&engine, "b").await;
    drop(engine);

    // One that misses a write is.
    restore();
    let engine = home.open();
    let again = snapshot(&engine).await;
    assert_ne!(again.place.epoch, place.epoch);
    assert_eq!((again.place.index, again.items.len()), (1, 1));
    for old in [&place, &lost] {
        assert_eq!(engine.read("t", old, usize::MAX).await.unwrap(), Read::Gone);
    }
    // It is a life like any other.
    let next = write(&engine, "b").await;
    drop(engine);
    let engine = home.open();
    assert_eq!(snapshot(&engine).await.place, next);
    drop(engine);

    // A copy elsewhere is another life, and so is what comes back from there.
    let elsewhere = tempfile::tempdir().unwrap();
    copy(home.data.path(), elsewhere.path());
    let engine = home.open_in(elsewhere.path());
    let away = write(&engine, "c").await;
    assert_ne!(away.epoch, next.epoch);
    drop(engine);
    copy(elsewhere.path(), home.data.path());
    let engine = home.open();
    let back = snapshot(&engine).await.place;
    assert!(![&next.epoch, &away.epoch].contains(&&back.epoch));
    drop(engine);

    // Without a marker nothing is known.
    for marker in fs::read_dir(home.run.path()).unwrap() {
        fs::remove_file(marker.unwrap().path()).unwrap();
    }
    assert_ne!(snapshot(&home.open()).await.place.epoch, back.epoch);
}

#[tokio::test]
async fn only_one_process_has_it() {
    let home = Home::new();
    let engine = home.open();
    let second = Sqlite::open(home.data.path(), &home.options());
    assert!(matches!(second, Err(Failure::InUse(_))), "{second:?}");
    drop(engine);
    home.open();
}

#[tokio::test]
async fn another_program_s_file_is_left_alone() {
    let home = Home::new();
    let file = home.data.path().join("highwater.db");
    let text = "not a database at all, but long enough to have the header of one: ".repeat(20);
    fs::write(&file, &text).unwrap();
    let opened = Sqlite::open(home.data.path(), &home.options());
    assert!(matches!(opened, Err(Failure::Corrupt(_))), "{opened:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);

    fs::remove_file(&file).unwrap();
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(other);
    let opened = Sqlite::open(home.data.path(), &home.options());
    assert!(matches!(opened, Err(Failure::Corrupt(_))), "{opened:?}");
}

#[tokio::test]
async fn damaged_contents_are_told_of() {
    let home = Home::new();
    let engine = home.open();
    let place = write(&engine, "a").await;
    write(&engine, "b").await;
    let other = rusqlite::Connection::open(home.data.path().join("highwater.db")).unwrap();
    other.execute_batch("UPDATE item SET object = '['; UPDATE log SET record = x'00'").unwrap();
    let read = engine.read("t", &place, usize::MAX).await;
    assert!(matches!(read, Err(Failure::Corrupt(_))), "{read:?}");
    let read = engine.snapshot("t").await;
    assert!(matches!(read, Err(Failure::Corrupt(_))), "{read:?}");
}

#[tokio::test]
async fn a_full_disk_fails_appends_and_nothing_else() {
    let home = Home::new();
    let options = SqliteOptions { most_bytes: Some(512 << 10), ..home.options() };
    let engine = Sqlite::open(home.data.path(), &options).unwrap();
    let text = "x".repeat(8 << 10);
    let mut acknowledged = Vec::new();
    let failure = loop {
        let key = format!("{:03}", acknowledged.len());
        match engine.append("t", put(&key, &text)).await {
            Ok(appended) => acknowledged.push((key, appended.place)),
            Err(failure) => break failure,
        }
        assert!(acknowledged.len() < 100, "it never got full");
    };
    assert!(matches!(failure, AppendError::Failure(Failure::Full(_))), "{failure:?}");
    // The log gave way first: twice as much would not have fitted beside it.
    assert!(acknowledged.len() > 40, "{}", acknowledged.len());

    let held = snapshot(&engine).await;
    let (_, last) = acknowledged.last().unwrap();
    assert_eq!(held.place, *last);
    assert!(
        held.items.iter().map(|item| item.id.key()).eq(acknowledged.iter().map(|(key, _)| &**key))
    );

    // What does not fit does not fail what does.
    let (large, small) =
        tokio::join!(engine.append("t", put("large", &text)), engine.append("t", delete("000")));
    assert!(
        large.is_err()
            || small
                .as_ref()
                .is_ok_and(|small| small.place.index < large.as_ref().unwrap().place.index)
    );
    small.unwrap();
    // There is room again.
    engine.append("t", delete("001")).await.unwrap();
    engine.append("t", put("another", &text)).await.unwrap();
    let before = snapshot(&engine).await;
    drop(engine);
    assert_eq!(snapshot(&home.open()).await, before);
}
