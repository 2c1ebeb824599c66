//! The Maildir as a mailbox.

use std::fs;
use std::time::Duration;

use hezo_intake::mailbox::{Extent, Fetched, Filing, Folder, Uid, UidValidity, Woken};
use hezo_intake::maildir::MaildirFolder;
use tempfile::TempDir;

/// More than any step takes; a wait that ends by itself ends in a hint long before.
const LONG: Duration = Duration::from_secs(20);

async fn opened() -> (TempDir, MaildirFolder) {
    let above = tempfile::tempdir().unwrap();
    fs::create_dir(above.path().join("mail")).unwrap();
    let mut folder = MaildirFolder::new(above.path().join("mail"));
    assert_eq!(folder.open().await.unwrap(), UidValidity(1));
    (above, folder)
}

fn deliver(above: &TempDir, name: &str, mail: &str) {
    let maildir = above.path().join("mail");
    fs::write(maildir.join("tmp").join(name), mail).unwrap();
    fs::rename(maildir.join("tmp").join(name), maildir.join("new").join(name)).unwrap();
}

/// The files of a folder, sorted.
fn files(above: &TempDir, folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(above.path().join("mail").join(folder)) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn uids(folder: &mut MaildirFolder) -> Vec<Uid> {
    folder.list(Uid(0)).await.unwrap().iter().map(|mail| mail.uid).collect()
}

#[tokio::test]
async fn the_folders_of_a_maildir_are_made_but_no_maildir() {
    let (above, mut folder) = opened().await;
    for name in ["new", "cur", "tmp"] {
        assert!(above.path().join("mail").join(name).is_dir());
    }
    assert!(folder.open().await.is_ok(), "what is there stays");
    // One that is not there, or whose disk is not mounted, is no empty mailbox.
    let mistyped = above.path().join("no-mail");
    let error = MaildirFolder::new(&mistyped).open().await.unwrap_err();
    assert!(format!("{error:#}").contains("no-mail"), "{error:#}");
    fs::write(above.path().join("file"), "").unwrap();
    assert!(MaildirFolder::new(above.path().join("file")).open().await.is_err());
}

#[tokio::test]
async fn mails_are_listed_as_they_arrived() {
    let (above, mut folder) = opened().await;
    assert_eq!(uids(&mut folder).await, []);
    for (name, second) in [("c", 10), ("a", 20), ("b", 30)] {
        deliver(&above, name, &"x".repeat(second));
        let file = fs::File::options().write(true).open(above.path().join("mail/new").join(name)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(second as u64)).unwrap();
    }
    fs::write(above.path().join("mail/new/.hidden"), "no mail").unwrap();
    fs::create_dir(above.path().join("mail/cur/folder")).unwrap();
    fs::rename(above.path().join("mail/new/a"), above.path().join("mail/cur/a:2,S")).unwrap();
    let listed = folder.list(Uid(u64::MAX)).await.unwrap();
    let told: Vec<(u64, i64)> = listed.iter().map(|mail| (mail.size, mail.internal_date.as_second())).collect();
    assert_eq!(told, [(10, 10), (20, 20), (30, 30)]);
}

#[tokio::test]
async fn a_mail_is_fetched_wherever_it_went() {
    let (above, mut folder) = opened().await;
    let mail = "From: anna@customer.example\n\nSerwer stoi.\n";
    deliver(&above, "1.host", mail);
    let uid = uids(&mut folder).await[0];
    let whole = Extent::Whole { limit: mail.len() as u64 };
    assert_eq!(folder.fetch(uid, whole).await.unwrap(), Fetched::Bytes(mail.into()));
    fs::rename(above.path().join("mail/new/1.host"), above.path().join("mail/cur/1.host:2,FS")).unwrap();
    assert_eq!(folder.fetch(uid, whole).await.unwrap(), Fetched::Bytes(mail.into()));
    let header = "From: anna@customer.example\n\n";
    assert_eq!(folder.fetch(uid, Extent::Header).await.unwrap(), Fetched::Bytes(header.into()));
    for limit in [0, 5, mail.len() as u64 - 1] {
        let too_large = Fetched::TooLarge { header: header.into(), structure: String::new() };
        assert_eq!(folder.fetch(uid, Extent::Whole { limit }).await.unwrap(), too_large);
    }
    fs::remove_file(above.path().join("mail/cur/1.host:2,FS")).unwrap();
    assert_eq!(folder.fetch(uid, whole).await.unwrap(), Fetched::Gone);
    assert_eq!(folder.fetch(Uid(1), whole).await.unwrap(), Fetched::Gone);
    fs::remove_dir_all(above.path().join("mail")).unwrap();
    assert!(folder.fetch(uid, whole).await.is_err(), "a Maildir that is gone is not a mail that is gone");
    assert!(folder.list(Uid(0)).await.is_err());
}

#[tokio::test]
async fn a_mail_is_filed_once() {
    let moved = || Filing::Move("Zgłoszenia/Błędy".to_owned());
    let table = [
        ("1.host", "new", Filing::Leave, "cur", "1.host:2,"),
        ("1.host", "new", Filing::Keyword("HezoDone".to_owned()), "cur", "1.host:2,"),
        ("1.host:2,S", "cur", Filing::Leave, "cur", "1.host:2,S"),
        ("1.host", "new", moved(), ".Zg&AUI-oszenia.B&AUIBGQ-dy/cur", "1.host:2,"),
        ("1.host:2,FS", "cur", moved(), ".Zg&AUI-oszenia.B&AUIBGQ-dy/cur", "1.host:2,FS"),
    ];
    for (name, place, filing, target, filed) in table {
        let (above, mut folder) = opened().await;
        fs::write(above.path().join("mail").join(place).join(name), "mail").unwrap();
        let uid = uids(&mut folder).await[0];
        for _ in 0..2 {
            folder.file(uid, &filing).await.unwrap();
            assert_eq!(files(&above, target), [filed], "{name} {filing:?}");
        }
        assert_eq!(files(&above, "new"), [""; 0]);
        let stays = usize::from(!matches!(filing, Filing::Move(_)));
        assert_eq!(uids(&mut folder).await.len(), stays);
        assert_eq!(files(&above, ".Zg&AUI-oszenia.B&AUIBGQ-dy").contains(&"maildirfolder".to_owned()), stays == 0);
        fs::remove_file(above.path().join("mail").join(target).join(filed)).unwrap();
        folder.file(uid, &filing).await.expect("what is gone was filed before");
    }
}

#[tokio::test]
async fn a_folder_outside_is_no_target() {
    let (above, mut folder) = opened().await;
    deliver(&above, "1.host", "mail");
    let uid = uids(&mut folder).await[0];
    for target in ["", "..", "../elsewhere", "/etc"] {
        assert!(folder.file(uid, &Filing::Move(target.to_owned())).await.is_err(), "{target}");
    }
    assert_eq!(files(&above, "new"), ["1.host"]);
}

#[tokio::test]
async fn an_arrival_is_noticed() {
    let rename: fn(&TempDir) = |above| deliver(above, "2.host", "mail");
    let link: fn(&TempDir) = |above| {
        let maildir = above.path().join("mail");
        fs::write(maildir.join("tmp/2.host"), "mail").unwrap();
        fs::hard_link(maildir.join("tmp/2.host"), maildir.join("new/2.host")).unwrap();
    };
    let write: fn(&TempDir) = |above| fs::write(above.path().join("mail/new/2.host"), "mail").unwrap();
    let by_hand: fn(&TempDir) = |above| fs::write(above.path().join("mail/cur/2.host:2,S"), "mail").unwrap();
    for arrive in [rename, link, write, by_hand] {
        let (above, mut folder) = opened().await;
        deliver(&above, "1.host", "mail");
        assert_eq!(uids(&mut folder).await.len(), 1);
        let nothing = folder.wait(Duration::from_millis(50)).await.unwrap();
        assert_eq!(nothing, Woken::TimedOut, "what was listed is no arrival");
        // Between list and wait, and while waiting.
        arrive(&above);
        assert_eq!(folder.wait(LONG).await.unwrap(), Woken::Hint);
        assert_eq!(uids(&mut folder).await.len(), 2);
        let (woken, ()) = tokio::join!(folder.wait(LONG), async { deliver(&above, "3.host", "mail") });
        assert_eq!(woken.unwrap(), Woken::Hint);
        assert_eq!(uids(&mut folder).await.len(), 3);
        folder.close().await;
    }
}

#[tokio::test]
async fn a_mail_that_may_not_be_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let (above, mut folder) = opened().await;
    deliver(&above, "1.host", "mail");
    let uid = uids(&mut folder).await[0];
    let path = above.path().join("mail/new/1.host");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let fetched = folder.fetch(uid, Extent::Header).await.unwrap();
    // The superuser may read it all the same.
    let is_superuser = fs::read(&path).is_ok();
    assert_eq!(matches!(fetched, Fetched::Refused(_)), !is_superuser, "{fetched:?}");
}
