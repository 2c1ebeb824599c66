//! Puts a mail where it belongs once it is committed. Each step may be repeated.

use super::connection::{Command, Connection};
use super::error::Error;
use super::fetch::exists;
use super::folder_name;
use super::selection::Selected;
use crate::mailbox::Uid;

/// Marks a mail with a keyword.
pub(super) async fn mark(
    connection: &mut Connection,
    selected: &Selected,
    uid: Uid,
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
    let command = Command::new(NAME, format!("{} +FLAGS.SILENT ({keyword})", uid.0));
    unless_gone(connection, uid, command).await.map(|_| ())
}

/// Moves a mail to another folder, which is made where it is missing.
pub(super) async fn move_to(connection: &mut Connection, uid: Uid, folder: &str) -> Result<(), Error> {
    let target = folder_name::quoted(folder);
    let name = if connection.can("MOVE") { "UID MOVE" } else { "UID COPY" };
    let first_try = unless_gone(connection, uid, Command::new(name, format!("{} {target}", uid.0))).await;
    let was_there = match first_try {
        Err(Error::No { try_create: true, .. }) => {
            make(connection, &target).await?;
            unless_gone(connection, uid, Command::new(name, format!("{} {target}", uid.0))).await?
        }
        outcome => outcome?,
    };
    if name == "UID COPY" && was_there {
        delete(connection, uid).await?;
    }
    Ok(())
}

/// Removes the original of a copied mail. Where the server cannot expunge a single mail (UIDPLUS),
/// it stays flagged as deleted: a plain EXPUNGE would remove what other people have flagged.
async fn delete(connection: &mut Connection, uid: Uid) -> Result<(), Error> {
    let flag = Command::new("UID STORE", format!("{} +FLAGS.SILENT (\\Deleted)", uid.0));
    if unless_gone(connection, uid, flag).await? && connection.can("UIDPLUS") {
        connection.run(Command::new("UID EXPUNGE", uid.0.to_string()), |_| Ok(())).await?;
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

/// Runs a command on a mail; answers whether the mail was there. A refusal counts only if it is.
async fn unless_gone(connection: &mut Connection, uid: Uid, command: Command) -> Result<bool, Error> {
    match connection.run(command, |_| Ok(())).await {
        Ok(()) => Ok(true),
        Err(Error::No { try_create: false, .. }) if !exists(connection, uid.0).await? => Ok(false),
        Err(error) => Err(error),
    }
}

/// An atom (RFC 3501 section 9), and no system flag.
fn is_keyword(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"(){%*\"\\]".contains(&byte))
}
