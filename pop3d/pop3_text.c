#include "pop3d/pop3_text.h"

#include "common/base/cleanup.h"

#include <assert.h>

static const struct {
	const char *tag;
	const char *name;
} languages[LANGUAGE__COUNT] = {
    [LANGUAGE_DEFAULT] = {"i-default", "Default"},
    [LANGUAGE_EN] = {"en", "English"},
    [LANGUAGE_DE] = {"de", "Deutsch"},
    [LANGUAGE_FR] = {"fr", "Français"},
};

/* English, German, French; i-default is the English one. */
static const struct {
	const char *en, *de, *fr;
} texts[TEXT__COUNT] = {
    [TEXT_READY] = {"Pillarbox POP3 server ready", "Pillarbox-POP3-Server bereit",
	"Serveur POP3 Pillarbox prêt"},
    [TEXT_BYE] = {"Bye", "Auf Wiedersehen", "Au revoir"},
    [TEXT_STOPPING] = {"Server is shutting down, nothing was removed",
	"Der Server wird beendet, nichts wurde entfernt",
	"Le serveur s'arrête, rien n'a été supprimé"},
    [TEXT_CAPABILITIES] = {"Capabilities follow", "Die Fähigkeiten folgen",
	"Les capacités suivent"},
    [TEXT_LANGUAGES] = {"Languages follow", "Die Sprachen folgen", "Les langues suivent"},
    [TEXT_LANGUAGE_CHANGED] = {"Language changed", "Sprache geändert", "Langue changée"},
    [TEXT_LANGUAGE_UNKNOWN] = {"No such language here", "Diese Sprache gibt es hier nicht",
	"Cette langue n'existe pas ici"},
    [TEXT_UTF8_ON] = {"UTF-8 mode", "UTF-8-Modus", "Mode UTF-8"},
    [TEXT_BEGIN_TLS] = {"Begin TLS negotiation", "TLS-Aushandlung beginnen",
	"Commencez la négociation TLS"},
    [TEXT_SEND_PASSWORD] = {"Send the password", "Das Passwort bitte", "Envoyez le mot de passe"},
    [TEXT_MECHANISMS] = {"Mechanisms follow", "Die Verfahren folgen", "Les mécanismes suivent"},
    [TEXT_LOGGED_IN] = {"Logged in", "Angemeldet", "Connecté"},
    [TEXT_MESSAGES] = {"Messages follow", "Die Nachrichten folgen", "Les messages suivent"},
    [TEXT_MESSAGE_FOLLOWS] = {"octets", "Oktette", "octets"},
    [TEXT_TOP_FOLLOWS] = {"Top of message follows", "Der Anfang der Nachricht folgt",
	"Le début du message suit"},
    [TEXT_UIDS] = {"Unique ids follow", "Die Kennungen folgen", "Les identifiants suivent"},
    [TEXT_DELETED] = {"Marked for removal", "Zum Löschen vorgemerkt", "Marqué pour la suppression"},
    [TEXT_RESET] = {"No message is marked for removal",
	"Keine Nachricht ist zum Löschen vorgemerkt", "Aucun message n'est marqué"},
    [TEXT_NOOP] = {"Still here", "Noch da", "Toujours là"},

    [TEXT_SYNTAX] = {"Syntax error", "Syntaxfehler", "Erreur de syntaxe"},
    [TEXT_SEQUENCE] = {"Not possible in this state", "In diesem Zustand nicht möglich",
	"Impossible dans cet état"},
    [TEXT_UNKNOWN] = {"Unknown command", "Unbekannter Befehl", "Commande inconnue"},
    [TEXT_TOO_LONG] = {"Line too long", "Zeile zu lang", "Ligne trop longue"},
    [TEXT_NEEDS_TLS] = {"Passwords are taken over TLS only, begin with STLS",
	"Passwörter nur über TLS, zuerst STLS",
	"Mots de passe uniquement sous TLS, commencez par STLS"},
    [TEXT_NO_TLS] = {"TLS is not available", "TLS ist nicht verfügbar", "TLS n'est pas disponible"},
    [TEXT_MECHANISM_UNKNOWN] = {"Unknown authentication mechanism", "Unbekanntes Anmeldeverfahren",
	"Mécanisme d'authentification inconnu"},
    [TEXT_CANCELLED] = {"Authentication cancelled", "Anmeldung abgebrochen",
	"Authentification annulée"},
    [TEXT_AUTH_FAILED] = {"Wrong user name or password", "Falscher Name oder falsches Passwort",
	"Nom ou mot de passe incorrect"},
    [TEXT_TOO_MANY_FAILURES] = {"Too many failed logins", "Zu viele falsche Anmeldungen",
	"Trop d'échecs de connexion"},
    [TEXT_TOO_MANY_ERRORS] = {"Too many bad commands", "Zu viele falsche Befehle",
	"Trop de commandes erronées"},
    [TEXT_HTTP] = {"This is a POP3 server", "Das ist ein POP3-Server", "Ceci est un serveur POP3"},
    [TEXT_NO_SUCH_MESSAGE] = {"No such message", "Keine solche Nachricht",
	"Ce message n'existe pas"},
    [TEXT_GONE] = {"Message has been deleted", "Die Nachricht ist gelöscht",
	"Le message a été supprimé"},
    [TEXT_NOT_REMOVED] = {"Nothing was removed", "Nichts wurde entfernt", "Rien n'a été supprimé"},
    [TEXT_BUSY] = {"Mailbox is busy, try again", "Das Postfach ist belegt, bitte noch einmal",
	"La boîte est occupée, réessayez"},
    [TEXT_REFUSED] = {"Not permitted", "Nicht erlaubt", "Interdit"},
    [TEXT_TRY_LATER] = {"Temporary trouble, try again later",
	"Vorübergehende Störung, später noch einmal", "Problème temporaire, réessayez plus tard"},
    [TEXT_ASK_OPERATOR] = {"The server has a problem that its operator must solve",
	"Der Server hat eine Störung, die sein Betreiber beheben muss",
	"Le serveur a un problème que son exploitant doit résoudre"},
};

const char *
pop3_text(enum pop3_language language, enum pop3_text text)
{
	assert(text < TEXT__COUNT);
	switch (language) {
	case LANGUAGE_DE:
		return texts[text].de;
	case LANGUAGE_FR:
		return texts[text].fr;
	default:
		return texts[text].en;
	}
}

const char *
pop3_language_tag(enum pop3_language language)
{
	return languages[language].tag;
}

const char *
pop3_language_name(enum pop3_language language)
{
	return languages[language].name;
}

bool
pop3_language_find(struct str range, enum pop3_language *ret)
{
	if (str_eq(range, STR("*"))) {
		*ret = LANGUAGE_EN;
		return true;
	}
	while (range.n > 0) {
		for (size_t i = 0; i < ARRAY_LEN(languages); i++) {
			if (!str_eq_nocase(range, str_of(languages[i].tag)))
				continue;
			*ret = (enum pop3_language)i;
			return true;
		}
		size_t dash = str_rfind(range, '-');
		range = str_sub(range, 0, dash == STR_NONE ? 0 : dash);
	}
	return false;
}
