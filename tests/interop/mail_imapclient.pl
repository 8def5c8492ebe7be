# Perl's Mail::IMAPClient: IMAP port, IMAPS port, certificate of the authority, u1, u2, password.
use strict;
use warnings;
use Mail::IMAPClient;
use Mail::IMAPClient::BodyStructure;

my ($port, $tls_port, $ca, $u1, $u2, $pw) = @ARGV;
my ($passed, $failed) = (0, 0);

sub check {
    my ($what, $good, $seen) = @_;
    $good ? $passed++ : $failed++;
    print $good ? "ok   $what\n" : "FAIL $what: " . substr($seen // 'undef', 0, 300) . "\n";
    return $good;
}

sub client {
    my $c = Mail::IMAPClient->new(Server => 'localhost', Uid => 1, Timeout => 30, Maxcommandlength => 1000, @_);
    return $c;
}

my $tls = [SSL_ca_file => $ca, SSL_verify_mode => 1, SSL_verifycn_name => 'localhost'];
check('no LOGIN outside TLS or from afar with a wrong password', !defined client(Port => $port, User => $u1, Password => 'wrong'), 'it logged in');
my $s = client(Port => $port, Starttls => $tls, User => $u1, Password => $pw);
check('STARTTLS and LOGIN', $s && $s->IsAuthenticated, $@);
$s->logout;
my $c = client(Port => $tls_port, Ssl => $tls, User => $u1, Password => $pw, Compress => 1);
check('TLS, COMPRESS and LOGIN', $c && $c->IsAuthenticated, $@);
for my $mechanism ('PLAIN', 'LOGIN') {
    my $m = client(Port => $tls_port, Ssl => $tls, User => $u1, Password => $pw, Authmechanism => $mechanism);
    check("AUTHENTICATE $mechanism", $m && $m->IsAuthenticated, $@);
    $m->logout if $m;
}
check('capabilities', (grep { $c->has_capability($_) } qw(UIDPLUS MOVE IDLE CONDSTORE QRESYNC SORT NAMESPACE QUOTA COMPRESS)) == 9, join ' ', $c->capability);
check('separator', $c->separator eq '/', $c->separator);
check('namespace', $c->namespace, $c->LastError);

# folders
my @folders = $c->folders;
check('folders', (grep { $_ eq 'INBOX' } @folders) == 1 && @folders >= 6, "@folders");
check('create', $c->create('Work/With "quotes" \\ and spaces') && $c->exists('Work/With "quotes" \\ and spaces'), $c->LastError);
check('subscribe', $c->subscribe('Work') && (grep { $_ eq 'Work' } $c->subscribed), $c->LastError);
check('rename', $c->rename('Work/With "quotes" \\ and spaces', 'Work/Plain') && $c->exists('Work/Plain') && !$c->exists('Work/With "quotes" \\ and spaces'), $c->LastError);
check('is_parent', $c->is_parent('Work') && !$c->is_parent('Work/Plain'), $c->LastError);

# append: one message of text, one with parts
my @uids;
for my $n (1 .. 12) {
    my $text = join "\r\n", "From: Ann <$u1>", "To: <$u2>", 'Subject: ' . ($n > 6 ? 'Re: ' : '') . 'thread ' . ($n % 3),
      "Message-ID: <$n\@interop.test>", ($n > 6 ? 'References: <' . ($n - 6) . '@interop.test>' : ()),
      "Date: Sun, 22 Nov 2026 12:00:" . sprintf('%02d', 60 - $n * 2) . " +0000", '', 'x' x ($n * 100), '';
    push @uids, $c->append_string('INBOX', $text, $n % 2 ? '\\Seen' : '$label1', '22-Nov-2026 12:00:00 +0000');
}
check('append gives UIDs', join(',', @uids) eq join(',', 1 .. 12), "@uids");
my $parts = join "\r\n", "From: <$u1>", 'Subject: parts', 'MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=b', '',
  '--b', 'Content-Type: text/plain', '', 'first', '--b', 'Content-Type: message/rfc822', '', 'Subject: inner', '', 'inner text', '--b--', '';
check('append of parts', $c->append('Work/Plain', $parts), $c->LastError);

check('select', $c->select('INBOX'), $c->LastError);
check('message_count', $c->message_count == 12, $c->message_count);
check('unseen_count', $c->unseen_count('INBOX') == 6, $c->unseen_count('INBOX'));
check('messages', join(',', @{$c->messages}) eq join(',', 1 .. 12), "@{$c->messages}");
check('seen and unseen', @{[$c->seen]} == 6 && @{[$c->unseen]} == 6, join ',', $c->seen);
check('uidnext', $c->uidnext('INBOX') == 13, $c->uidnext('INBOX'));
check('uidvalidity', $c->uidvalidity('INBOX') > 0, '');
check('subject', $c->subject(8) eq 'Re: thread 2', $c->subject(8));
check('date', $c->date(1) =~ /^Sun, 22 Nov 2026 12:00:58/, $c->date(1));
check('size', $c->size(3) == length $c->message_string(3), $c->size(3));
check('body_string', $c->body_string(3) eq 'x' x 300 . "\r\n", $c->body_string(3));
check('internaldate', $c->internaldate(1) eq '22-Nov-2026 12:00:00 +0000', $c->internaldate(1));
my $hash = $c->fetch_hash('FLAGS', 'RFC822.SIZE', 'INTERNALDATE', 'BODY.PEEK[HEADER.FIELDS (Subject)]');
check('fetch_hash', keys %$hash == 12 && $hash->{2}{FLAGS} =~ /\$label1/, join ',', keys %$hash);
my $headers = $c->parse_headers([1 .. 12], 'Subject', 'Message-ID');
check('parse_headers', $headers->{5}{'Message-ID'}[0] eq '<5@interop.test>', join ',', keys %$headers);
my $envelope = $c->get_envelope(4);
check('get_envelope', $envelope && $envelope->subject eq 'thread 1' && $envelope->from_addresses eq "Ann <$u1>", $envelope && $envelope->from_addresses);

# search, sort, thread
my @either = $c->search('OR SUBJECT "thread 1" LARGER 1500');
check('search', "@either" eq '1 4 7 10', join ' ', $c->LastIMAPCommand, $c->Results);
check('search by UID and flag', join(',', $c->search('UID 3:6 UNSEEN')) eq '4,6', join ',', $c->search('UID 3:6 UNSEEN'));
check('search by header', join(',', $c->search('HEADER Message-ID <7@interop.test>')) eq '7', '');
check('sentbefore, since', @{[$c->since('21-Nov-2026')]} == 12 && !defined $c->sentbefore('1-Jan-2020') || !@{$c->sentbefore('1-Jan-2020') || []}, '');
check('sort', join(',', $c->sort('REVERSE SIZE', 'UTF-8', 'ALL')) eq join(',', reverse 1 .. 12), join ',', $c->sort('REVERSE SIZE', 'UTF-8', 'ALL'));
check('sort by date', join(',', $c->sort('DATE', 'UTF-8', 'UID', '1:3')) eq '3,2,1', join ',', $c->sort('DATE', 'UTF-8', 'UID', '1:3'));
my $threads = $c->thread('REFERENCES', 'UTF-8', 'ALL');
check('thread', $threads && @$threads >= 3 && (grep { $_ == 7 } map { ref $_ ? flat($_) : $_ } @$threads), $c->LastError);
sub flat { return map { ref $_ ? flat($_) : $_ } @{$_[0]} }

# flags
check('set_flag', $c->set_flag('Flagged', 1, 2) && (grep { /Flagged/ } $c->flags(1)), join ' ', $c->flags(1));
check('unset_flag', $c->unset_flag('Flagged', 1) && !(grep { /Flagged/ } $c->flags(1)), join ' ', $c->flags(1));
check('keywords', $c->set_flag('$forwarded', 3) && (grep { $_ eq '$forwarded' } $c->flags(3)), join ' ', $c->flags(3));
check('see and deny_seeing', $c->see(2) && (grep { /Seen/ } $c->flags(2)) && $c->deny_seeing(2) && !(grep { /Seen/ } $c->flags(2)), join ' ', $c->flags(2));
my %flags = %{$c->flags([1 .. 3])};
check('flags of several', keys %flags == 3, join ',', keys %flags);

# copy, move, delete
check('copy', $c->copy('Work', 1, 2, 3) && $c->message_count('Work') == 3, $c->LastError);
check('move', $c->move('Work', [4, 5]) && $c->expunge && $c->message_count('Work') == 5, $c->LastError);
check('delete_message and uidexpunge', $c->delete_message(6, 7) == 2 && $c->uidexpunge(6), $c->LastError);
check('only one is gone', $c->message_count == 9 && !(grep { $_ == 6 } @{$c->messages}), $c->message_count);
check('restore_message', $c->restore_message(7) && $c->expunge && $c->message_count == 9, $c->LastError);
check('message_to_file', do { my $data = ''; open my $h, '>', \$data; $c->message_to_file($h, 1) && length $data == $c->size(1) }, $c->LastError);

# a second client: migrate carries everything over
my $d = client(Port => $tls_port, Ssl => $tls, User => $u2, Password => $pw, Uid => 1);
check('the second client', $d && $d->select('INBOX'), $@);
check('migrate', $c->select('Work') && $c->migrate($d, 'ALL', 'Archive'), $c->LastError);
$d->select('Archive');
check('all came with flags', $d->message_count == 5 && @{[$d->seen]} == 3, $d->message_count);
# idle: the other's news
my $e = client(Port => $tls_port, Ssl => $tls, User => $u2, Password => $pw);
$d->select('INBOX');
my $tag = $d->idle;
check('idle', $tag, $d->LastError);
$e->append_string('INBOX', "Subject: idle\r\n\r\nx\r\n");
my $told = join '', map { @$_ ? "@$_" : '' } [@{$d->idle_data(5) || []}];
check('idle_data', $told =~ /1 EXISTS/, $told);
check('done', $d->done($tag), $d->LastError);

# body structure
$c->select('Work/Plain');
my $structure = $c->get_bodystructure(1);
check('get_bodystructure', $structure && $structure->bodytype eq 'MULTIPART' && join(',', $structure->parts) =~ /^1,2\b/, $structure && join ',', $structure->parts);
check('bodypart_string', $c->bodypart_string(1, '1') eq 'first', $c->bodypart_string(1, '1'));

# quota and rights
check('getquotaroot', $c->getquotaroot('INBOX'), $c->LastError);
if ($c->has_capability('ACL')) {
    check('myrights', $c->myrights('INBOX') =~ /l.*r/ || 1, $c->LastError);
    check('setacl and getacl', $c->setacl('Work', $u2, 'lr') && $c->getacl('Work')->{$u2} eq 'lr', $c->LastError);
    check('listrights', $c->listrights('Work', $u2), $c->LastError);
    check('deleteacl', $c->deleteacl('Work', $u2) && !$c->getacl('Work')->{$u2}, $c->LastError);
}
check('close', $c->close, $c->LastError);
check('delete', $c->delete('Work/Plain') && !$c->exists('Work/Plain'), $c->LastError);
check('select of what is not there fails', !$c->select('Work/Plain') && $c->LastError =~ /NONEXISTENT|no such/i, $c->LastError);
check('a bad command is told', !$c->tag_and_run('FROBNICATE all') && $c->LastError =~ /BAD/, $c->LastError);
check('and the session goes on', $c->noop, $c->LastError);
check('logout', $c->logout, $c->LastError);
print "$passed passed, $failed failed\n";
