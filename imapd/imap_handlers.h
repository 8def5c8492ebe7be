/* imapd/imap_handlers.h - the handlers that imap_commands.c names, one file each: cmd_<name>.c. */
#ifndef IMAPD_IMAP_HANDLERS_H
#define IMAPD_IMAP_HANDLERS_H

#include "imapd/imap_session.h"

enum err cmd_append(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_authenticate(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_cancelupdate(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_capability(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_check(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_close(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_compress(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_copy(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_create(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_delete(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_deleteacl(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_enable(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_esearch(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_examine(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_expunge(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_fetch(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_getacl(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_getmetadata(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_getquota(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_getquotaroot(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_id(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_idle(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_list(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_listrights(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_login(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_logout(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_lsub(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_move(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_myrights(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_namespace(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_noop(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_notify(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_rename(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_replace(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_search(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_select(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_setmetadata(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_setacl(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_setquota(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_sort(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_starttls(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_status(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_store(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_subscribe(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_thread(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_uidbatches(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_unauthenticate(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_unselect(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_unsubscribe(struct imap_session *s, struct imap_cmd *cmd);
enum err cmd_xlist(struct imap_session *s, struct imap_cmd *cmd);

#endif
