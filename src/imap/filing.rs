//! Puts mails where they belong once they are committed. Each step may be repeated.

use super::connection::{Command, Connection};
use super::error::Error;
use super::fetch::existing;
use super::folder_name;
use super::listing::set_of;
use super::selection::Selected;
use crate::mailbox::Uid;

/// Marks mails with a keyword.
pub(super) async fn mark(
    connection: &mut Connection,
    selected: &Selected,
    uids: &[Uid],
    keyword: &str,
) -> Result<(), Error> {
    const NAME: &str = "UID STORE";
    if !is_keyword(keyword) {
        return Err(Error::nonsense(
            NAME,
            format!("{keyword:?} is no keyword: letters, digits, $, -, _ and . will do"),
        ));
    }
    let is_kept = selected
        .permanent_flags
        .as_ref()
        .is_none_or(|flags| flags.iter().any(|flag| flag == "\\*" || flag.eq_ignore_ascii_case(keyword)));
    if !is_kept {
        return Err(Error::nonsense(
            NAME,
            format!("the server does not keep the keyword {keyword}: file by moving instead"),
        ));
    }
    unless_gone(connection, NAME, uids, &format!("+FLAGS.SILENT ({keyword})")).await.map(|_| ())
}

/// Moves mails to another folder, which is made where it is missing.
pub(super) async fn move_to(connection: &mut Connection, uids: &[Uid], folder: &str) -> Result<(), Error> {
    let target = folder_name::quoted(folder);
    let name = if connection.can("MOVE") { "UID MOVE" } else { "UID COPY" };
    let there = match unless_gone(connection, name, uids, &target).await {
        Err(Error::No { try_create: true, .. }) => {
            make(connection, &target).await?;
            unless_gone(connection, name, uids, &target).await?
        }
        outcome => outcome?,
    };
    if name == "UID COPY" && !there.is_empty() {
        delete(connection, &there).await?;
    }
    Ok(())
}

/// Removes the originals of copied mails. Where the server cannot expunge single mails (UIDPLUS), they
/// stay flagged as deleted: a plain EXPUNGE would remove what other people have flagged.
async fn delete(connection: &mut Connection, uids: &[Uid]) -> Result<(), Error> {
    let there = unless_gone(connection, "UID STORE", uids, "+FLAGS.SILENT (\\Deleted)").await?;
    if !there.is_empty() && connection.can("UIDPLUS") {
        connection.run(Command::new("UID EXPUNGE", set_of(&there)), |_| Ok(())).await?;
    }
    Ok(())
}

/// Makes a folder and lets mail clients show it. That somebody else was faster shows when the mail
/// is moved.
async fn make(connection: &mut Connection, target: &str) -> Result<(), Error> {
    for name in ["CREATE", "SUBSCRIBE"] {
        match connection.run(Command::new(name, target), |_| Ok(())).await {
            Ok(()) => {}
            Err(error @ (Error::No { .. } | Error::Bad { .. })) => {
                tracing::debug!(command = name, error = crate::log::words(error), "a command was refused");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Runs a command on mails; answers which of them were there. A refusal counts only of those that are.
async fn unless_gone(
    connection: &mut Connection,
    name: &'static str,
    uids: &[Uid],
    what: &str,
) -> Result<Vec<Uid>, Error> {
    let on = |uids: &[Uid]| Command::new(name, format!("{} {what}", set_of(uids)));
    match connection.run(on(uids), |_| Ok(())).await {
        Ok(()) => Ok(uids.to_vec()),
        Err(refusal @ Error::No { try_create: false, .. }) => {
            let there = existing(connection, uids).await?;
            if there.is_empty() {
                return Ok(there);
            }
            if there.len() == uids.len() {
                return Err(refusal);
            }
            connection.run(on(&there), |_| Ok(())).await.map(|()| there)
        }
        Err(error) => Err(error),
    }
}

/// An atom (RFC 3501 section 9), and no system flag.
fn is_keyword(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"(){%*\"\\]".contains(&byte))
}
