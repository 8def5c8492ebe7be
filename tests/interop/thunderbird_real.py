#!/usr/bin/env python3
"""The real Thunderbird under Xvfb against a running suite: a profile made here, keys pressed by xdotool, the outcome asserted by IMAP.

Thunderbird's own remote agent (Marionette) says what its windows show and chooses folder and message; nothing else is done through it.
"""
import base64
import ctypes
import email.message
import email.policy
import json
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import time
import urllib.parse

from imapwire import Imap

HOST, OFFSET, CA, DOMAIN, U1, U2, PW, WORK = sys.argv[1], int(sys.argv[2]), *sys.argv[3:9]
NAME = "localhost"  # the certificate's
PROFILE = f"{WORK}/profile"
SHOTS = os.environ.get("THUNDERBIRD_SHOTS", f"{WORK}/shots")
LIMIT = 20  # seconds that one outcome may take
passed = failed = 0
programs = []


def port(base):
    return base + OFFSET


def check(what, holds, detail=""):
    global passed, failed
    if holds:
        passed += 1
        print(f"ok   {what}", flush=True)
    else:
        failed += 1
        print(f"FAIL {what}{': ' if detail else ''}{detail}", flush=True)
    return holds


def within(seconds, condition):
    """What condition() gives once it is true; its last value after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.2)


# The profile.

PREFS = {
    # The account.
    "mail.accountmanager.accounts": "account1,account2,account3",
    "mail.accountmanager.defaultaccount": "account1",
    "mail.accountmanager.localfoldersserver": "server3",
    "mail.account.account1.server": "server1",
    "mail.account.account1.identities": "id1",
    "mail.account.account2.server": "server2",
    "mail.account.account2.identities": "id2",
    "mail.account.account3.server": "server3",
    "mail.account.lastKey": 3,
    "mail.identity.id1.fullName": "Ann Example",
    "mail.identity.id1.useremail": U1,
    "mail.identity.id1.smtpServer": "smtp1",
    "mail.identity.id1.compose_html": False,
    "mail.identity.id1.valid": True,
    "mail.identity.id2.fullName": "Bob Example",
    "mail.identity.id2.useremail": U2,
    "mail.identity.id2.smtpServer": "smtp1",
    "mail.identity.id2.valid": True,
    "mail.server.server1.type": "imap",
    "mail.server.server1.name": U1,
    "mail.server.server1.hostname": NAME,
    "mail.server.server1.port": port(993),
    "mail.server.server1.socketType": 3,
    "mail.server.server1.authMethod": 3,
    "mail.server.server1.userName": U1,
    "mail.server.server1.login_at_startup": True,
    "mail.server.server1.check_new_mail": True,
    "mail.server.server1.use_idle": True,
    "mail.server.server2.type": "pop3",
    "mail.server.server2.name": U2,
    "mail.server.server2.hostname": NAME,
    "mail.server.server2.port": port(995),
    "mail.server.server2.socketType": 3,
    "mail.server.server2.authMethod": 3,
    "mail.server.server2.userName": U2,
    "mail.server.server2.leave_on_server": True,
    "mail.server.server2.login_at_startup": False,
    "mail.server.server2.check_new_mail": False,
    "mail.server.server2.download_on_biff": False,
    "mail.server.server3.type": "none",
    "mail.server.server3.hostname": "Local Folders",
    "mail.server.server3.name": "Local Folders",
    "mail.server.server3.userName": "nobody",
    "mail.smtpservers": "smtp1",
    "mail.smtp.defaultserver": "smtp1",
    "mail.smtpserver.smtp1.hostname": NAME,
    "mail.smtpserver.smtp1.port": port(465),
    "mail.smtpserver.smtp1.try_ssl": 3,
    "mail.smtpserver.smtp1.authMethod": 3,
    "mail.smtpserver.smtp1.username": U1,
    "mail.warn_on_send_accel_key": False,
    "mailnews.mark_message_read.delay": False,
    # No page of welcome, no question.
    "mail.shell.checkDefaultClient": False,
    "mail.rights.version": 1,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.spotlight.firstRunDone": True,
    "mail.inappnotifications.enabled": False,
    "mail.startup.enabledMailCheckOnce": True,
    "mail.biff.show_alert": False,
    "mail.biff.play_sound": False,
    "mailnews.start_page.enabled": False,
    "mailnews.start_page_override.mstone": "ignore",
    "app.donation.eoy.version.viewed": 99,
    "browser.aboutConfig.showWarning": False,
    "toolkit.startup.max_resumed_crashes": -1,
    # Nothing to the network but the two accounts: what speaks HTTP all the same finds a proxy that is not there.
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "network.proxy.no_proxies_on": "",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "network.trr.mode": 5,
    "app.update.enabled": False,
    "app.update.auto": False,
    "app.normandy.enabled": False,
    "app.shield.optoutstudies.enabled": False,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.unified": False,
    "toolkit.telemetry.server": "",
    "extensions.update.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.blocklist.enabled": False,
    "services.settings.server": "data:,",
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "security.OCSP.enabled": 0,
    "mail.phishing.detection.enabled": False,
    "mail.server.default.using_subscription": True,
}


class SecItem(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_uint), ("data", ctypes.c_char_p), ("len", ctypes.c_uint)]


def encrypted(texts):
    """The texts as logins.json holds them, under the key of the profile's NSS database."""
    nss = ctypes.CDLL("libnss3.so")
    if nss.NSS_InitReadWrite(f"sql:{PROFILE}".encode()) != 0:
        raise OSError("NSS does not open the profile")
    slot = ctypes.c_void_p
    nss.PK11_GetInternalKeySlot.restype = slot
    nss.PK11_Authenticate(slot(nss.PK11_GetInternalKeySlot()), 1, None)
    out = []
    for t in texts:
        key, data, result = SecItem(0, None, 0), SecItem(0, t.encode(), len(t.encode())), SecItem(0, None, 0)
        if nss.PK11SDR_Encrypt(ctypes.byref(key), ctypes.byref(data), ctypes.byref(result), None) != 0:
            raise OSError("NSS does not encrypt")
        pointer = ctypes.cast(ctypes.addressof(result) + SecItem.data.offset, ctypes.POINTER(ctypes.c_void_p))[0]
        out.append(base64.b64encode(ctypes.string_at(pointer, result.len)).decode())
    nss.NSS_Shutdown()
    return out


def make_profile(marionette_port):
    os.mkdir(PROFILE)
    subprocess.run(["certutil", "-N", "-d", f"sql:{PROFILE}", "--empty-password"], check=True)
    subprocess.run(["certutil", "-A", "-d", f"sql:{PROFILE}", "-n", "suite", "-t", "C,,", "-i", CA], check=True)
    logins = []
    user1, user2, password_box = encrypted([U1, U2, PW])
    for i, (url, user_box) in enumerate(((f"imap://{NAME}", user1), (f"smtp://{NAME}", user1), (f"mailbox://{NAME}", user2)), 1):
        logins.append({
            "id": i, "hostname": url, "httpRealm": url, "formSubmitURL": None, "usernameField": "", "passwordField": "",
            "encryptedUsername": user_box, "encryptedPassword": password_box, "guid": "{00000000-0000-4000-8000-%012d}" % i,
            "encType": 1, "timeCreated": 1, "timeLastUsed": 1, "timePasswordChanged": 1, "timesUsed": 1,
        })
    with open(f"{PROFILE}/logins.json", "w") as f:
        json.dump({"nextId": 9, "logins": logins, "potentiallyVulnerablePasswords": [], "dismissedBreachAlertsByLoginGUID": {}, "version": 3}, f)
    with open(f"{PROFILE}/user.js", "w") as f:
        for name, value in {**PREFS, "marionette.port": marionette_port}.items():
            f.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")


# Thunderbird's windows.


class Marionette:
    """Length-prefixed JSON: [0, id, command, parameters] is answered [1, id, error, result]."""

    def __init__(self, number):
        self.sock = socket.create_connection(("127.0.0.1", number), timeout=60)
        self.n = 0
        self.buf = b""
        self.message()
        self.send("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {"timeouts": {"script": 30000}}}})
        self.send("Marionette:SetContext", {"value": "chrome"})

    def message(self):
        while b":" not in self.buf:
            self.more()
        size, _, self.buf = self.buf.partition(b":")
        while len(self.buf) < int(size):
            self.more()
        text, self.buf = self.buf[:int(size)], self.buf[int(size):]
        return json.loads(text)

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError("Thunderbird closed its remote agent")
        self.buf += data

    def send(self, command, parameters):
        self.n += 1
        text = json.dumps([0, self.n, command, parameters]).encode()
        self.sock.sendall(b"%d:%s" % (len(text), text))
        _, _, error, result = self.message()
        if error:
            raise RuntimeError(f"{command}: {error.get('error')}: {error.get('message')}")
        return result

    def run(self, script, *args):
        """The value that the script returns in the main window, as `win`, and its three panes, as `panes`."""
        head = 'const win = Services.wm.getMostRecentWindow("mail:3pane"); const panes = win.document.getElementById("tabmail")?.currentAbout3Pane; '
        return self.send("WebDriver:ExecuteScript", {"script": head + script, "args": list(args), "newSandbox": False})["value"]

    def subjects(self):
        """What the message list shows, as {subject: row}."""
        return self.run("const v = panes?.gDBView, out = {}; for (let i = 0; i < (v?.rowCount ?? 0); i++) out[v.getMsgHdrAt(i).mime2DecodedSubject] = i; return out;")

    def shown(self):
        """Subject, text and attachments of the message in the message pane."""
        return self.run(
            'const d = panes.messageBrowser.contentDocument; return [d.getElementById("expandedsubjectBox").textContent.replace(/^Subject:/, ""),'
            ' d.getElementById("messagepane").contentDocument?.body?.textContent ?? "", d.getElementById("attachmentView").collapsed ? "" :'
            ' d.getElementById("attachmentName").value + d.getElementById("attachmentCount").value];')

    def click(self, subject):
        """Clicks with the mouse on that line of the message list."""
        x, y = self.run(
            "const r = panes.threadTree.getRowAtIndex(arguments[0]).getBoundingClientRect();"
            " return [panes.mozInnerScreenX + r.x + r.width / 3, panes.mozInnerScreenY + r.y + 12];", self.subjects()[subject])
        xdotool("mousemove", str(int(x)), str(int(y)), "click", "1")


def xdotool(*args):
    return subprocess.run(["xdotool", *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=30).stdout


def screenshot(name):
    os.makedirs(SHOTS, exist_ok=True)
    subprocess.run(["import", "-window", "root", f"{SHOTS}/{name}.png"], timeout=30)


def start_display():
    """An X server of its own; its number goes into DISPLAY."""
    read, write = os.pipe()
    programs.append(subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
                                     pass_fds=[write], stderr=subprocess.DEVNULL))
    os.close(write)
    with open(read) as f:
        os.environ["DISPLAY"] = ":" + f.readline().strip()  # the whole line: Xvfb dies of a pipe closed too early


def thunderbird(*args):
    env = {
        **{k: os.environ[k] for k in ("PATH", "DISPLAY")},
        "HOME": WORK, "XDG_RUNTIME_DIR": WORK, "GDK_BACKEND": "x11", "NO_AT_BRIDGE": "1", "LANG": "C.UTF-8",
        "DBUS_SESSION_BUS_ADDRESS": "disabled:", "MOZ_LOG": "IMAP:5,SMTP:5,POP3:5", "MOZ_LOG_FILE": f"{WORK}/moz",
    }
    p = subprocess.Popen(["thunderbird", "--profile", PROFILE, *args], env=env, start_new_session=True,
                         stdout=open(f"{WORK}/thunderbird.out", "a"), stderr=subprocess.STDOUT)
    programs.append(p)
    return p


def end_programs():
    for p in reversed(programs):
        if p.poll() is None:
            p.terminate()
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()


# The suite, from outside.


def deliver(subject, to=U1, attachment=False):
    m = email.message.EmailMessage()
    m["From"], m["To"], m["Subject"] = "Remote Friend <x@remote.test>", to, subject
    m["Message-ID"], m["Date"] = f"<{time.time_ns()}@remote.test>", "Sun, 22 Nov 2026 12:00:00 +0000"
    m.set_content("Hello from the other side.\n")
    if attachment:
        m.add_attachment(b"%PDF-1.4 not really" * 1000, maintype="application", subtype="pdf", filename="bericht.pdf")
    with smtplib.SMTP("127.0.0.1", port(25), "c.test") as s:
        s.send_message(m, "x@remote.test", [to])


def mail(user, box="INBOX"):
    """{decoded subject: (flags, whole message)}"""
    c = Imap(HOST, port(143))
    c.login(user, PW)
    c.cmd(f'EXAMINE "{box}"')
    out = {}
    for got in c.fetch("FETCH 1:* (FLAGS BODY.PEEK[])").values() if status(c, box) else ():
        m = email.message_from_bytes(got["BODY[]"], policy=email.policy.default)
        out[m["Subject"]] = (" ".join(got["FLAGS"]), m)
    c.cmd("LOGOUT")
    return out


def status(c, box):
    return int(re.search(rb"MESSAGES (\d+)", c.cmd(f'STATUS "{box}" (MESSAGES)')[0][-1][0])[1])


def flags(subject):
    return mail(U1).get(subject, ("",))[0]


def suite_log():
    return open(f"{os.path.dirname(CA)}/../log", errors="replace").read()


def wire_log():
    """Thunderbird's own log of what went over its connections."""
    return "".join(open(f"{WORK}/{f}", errors="replace").read() for f in sorted(os.listdir(WORK)) if f.startswith("moz"))


# What a user does.

PLAIN, ATTACHED, FOREIGN, DELETED = "plain one", "with attachment", "Grüße aus Köln — 日本語", "to be deleted"
PUSHED, SENT = "pushed while open", "Antwort aus Thunderbird"


def connecting(m):
    check("it logs in by IMAP over TLS", re.search(rf"imapd login .*user={U1} .*tls=TLSv1", suite_log()))
    folders = lambda: m.run('return panes?.gFolder?.server?.rootFolder.descendants.map(f => f.URI.replace(/.*@[^/]*./, "")) ?? [];')
    wanted = {"INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"}
    within(LIMIT, lambda: wanted <= set(folders()))
    check("it lists the folders", set(folders()) == wanted, folders())
    within(LIMIT, lambda: len(m.subjects()) == 4)
    check("INBOX shows what was delivered before, non-ASCII subject too", set(m.subjects()) == {PLAIN, ATTACHED, FOREIGN, DELETED}, m.subjects())
    screenshot("1-inbox")


def reading(m):
    for subject, attachments in ((FOREIGN, False), (ATTACHED, True)):
        check(f"{subject}: not yet \\Seen in the store", "\\Seen" not in flags(subject))
        m.click(subject)
        within(LIMIT, lambda: m.shown()[0] == subject and "other side" in m.shown()[1])
        shown = m.shown()
        check(f"{subject}: is displayed", shown[0] == subject and "Hello from the other side." in shown[1], shown)
        check(f"{subject}: {'its' if attachments else 'no'} attachment is shown", ("bericht.pdf" in shown[2]) == attachments, shown)
        check(f"{subject}: \\Seen arrives in the store", within(LIMIT, lambda: "\\Seen" in flags(subject)), flags(subject))
        screenshot(f"2-read-{'attached' if attachments else 'foreign'}")
    xdotool("key", "s")
    check("a star arrives as \\Flagged", within(LIMIT, lambda: "\\Flagged" in flags(ATTACHED)), flags(ATTACHED))
    check("what was not opened stays unread", "\\Seen" not in flags(PLAIN), flags(PLAIN))


def idling(m):
    idles = lambda: len(re.findall(r"S-INBOX:SendData: \w+ IDLE", wire_log()))
    before = idles()
    within(LIMIT, lambda: idles() > before)
    before = idles()
    time.sleep(6)
    check("at rest it stays in IDLE", before > 0 and idles() == before, (before, idles()))
    deliver(PUSHED)
    start = time.monotonic()
    came = within(LIMIT, lambda: PUSHED in m.subjects())
    check(f"new mail appears by IDLE ({time.monotonic() - start:.1f} s after the 250)", came and time.monotonic() - start < 10)
    screenshot("3-pushed")


def deleting(m):
    m.click(DELETED)
    within(LIMIT, lambda: m.shown()[0] == DELETED)
    xdotool("key", "Delete")
    check("a deleted message is in Trash", within(LIMIT, lambda: DELETED in mail(U1, "Trash")), list(mail(U1, "Trash")))
    check("and no longer in INBOX", within(LIMIT, lambda: DELETED not in mail(U1)), list(mail(U1)))
    check("nor in the list", within(LIMIT, lambda: DELETED not in m.subjects()), m.subjects())
    screenshot("4-deleted")


def sending(m):
    # As `thunderbird -compose` does in a running one; asking that from outside would need a session bus.
    m.run('const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");'
          " MailServices.compose.OpenComposeWindowWithURI(null, Services.io.newURI(arguments[0]));",
          "mailto:" + U2 + "?" + urllib.parse.urlencode({"subject": SENT, "body": "Schöne Grüße"}, quote_via=urllib.parse.quote))
    window = within(LIMIT, lambda: xdotool("search", "--onlyvisible", "--name", "^Write: ").split())
    if not check("a window to write in opens", window):
        return
    time.sleep(2)
    screenshot("5-compose")
    xdotool("windowfocus", "--sync", window[-1], "key", "ctrl+Return")
    arrived = within(LIMIT, lambda: mail(U2).get(SENT))
    screenshot("6-sent")
    if check("the message arrives at u2", arrived):
        text = arrived[1].get_body(("plain", "html")).get_content()
        check("with its sender and text", U1 in arrived[1]["From"] and "Schöne Grüße" in text, (arrived[1]["From"], text))
    saved = within(LIMIT, lambda: mail(U1, "Sent").get(SENT))
    check("a copy is saved in Sent, as \\Seen", saved and "\\Seen" in saved[0], saved and saved[0])
    check("it was submitted over TLS by the user", re.search(rf"smtpd accept .*from={U1} .*tls=TLSv1\S* user={U1}", suite_log()))
    check("the window is closed", within(LIMIT, lambda: not xdotool("search", "--onlyvisible", "--name", "^Write: ").split()))


def popping(m):
    m.run('const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");'
          ' const s = MailServices.accounts.getIncomingServer("server2"); s.getNewMessages(s.rootFolder, win.msgWindow, null);')
    count = 'const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");' \
            ' return MailServices.accounts.getIncomingServer("server2").rootFolder.descendants.reduce((n, f) => n + Math.max(0, f.getTotalMessages(false)), 0);'
    check("u2's mail comes by POP3", within(LIMIT, lambda: m.run(count) == 2), m.run(count))
    check("over TLS", re.search(rf"pop3d login .*user={U2} .*tls=TLSv1", suite_log()))
    check("and is left on the server", len(mail(U2)) == 2)


def quitting(m, main):
    xdotool("key", "--window", xdotool("search", "--onlyvisible", "--name", "Thunderbird$").split()[-1], "ctrl+q")
    try:
        m.send("Marionette:Quit", {"flags": ["eAttemptQuit"]})
    except (OSError, EOFError, RuntimeError):
        pass
    try:
        main.wait(LIMIT)
    except subprocess.TimeoutExpired:
        pass
    check("it quits", main.poll() is not None)


def complaints():
    """Nobody refused the other's words."""
    time.sleep(1)
    log, wire = suite_log(), wire_log()
    refused = [line for line in log.splitlines() if re.search(r"session_end .*bad=[1-9]| refuse|login_failed", line)]
    check("the suite refused no command", not refused, refused[:5])
    answers = re.findall(r"CreateNewLineFromSocket: (\w+ (?:NO|BAD) .*|\* BYE .*)", wire)
    check("no IMAP command was answered NO or BAD", not [a for a in answers if "BYE" not in a], answers[:5])
    check("Thunderbird's parser has no complaint", "Syntax Error" not in wire, re.findall(r"Syntax Error.*", wire)[:5])
    check("Thunderbird's log is there to be read", wire.count("SendData") > 20)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        deliver(PLAIN)
        deliver(ATTACHED, attachment=True)
        deliver(FOREIGN)
        deliver(DELETED)
        deliver("for POP3", U2)
        number = port(2)
        make_profile(number)
        start_display()
        program = thunderbird("--marionette", "--remote-allow-system-access")
        m = within(LIMIT, lambda: remote(number))
        if check("Thunderbird starts", m and within(LIMIT, lambda: m.run("return !!panes?.gDBView;"))):
            for step in (connecting, reading, idling, deleting, sending, popping):
                step(m)
            quitting(m, program)
            complaints()
        else:
            screenshot("0-not-started")
    finally:
        end_programs()
        print(f"{passed} passed, {failed} failed")


def remote(number):
    try:
        return Marionette(number)
    except OSError:
        return None


if __name__ == "__main__":
    main()
