<?php
/**
 * The plugin's decisions that need no WordPress: php tests/wordpress/plugin_test.php
 *
 * What it calls of WordPress while it decides is stood in for by the few lines below.
 */

error_reporting(E_ALL);
ini_set('display_errors', 'stderr');
set_error_handler(function ($level, $text, $file, $line) {
    throw new ErrorException($text, 0, $level, $file, $line);
});

define('ABSPATH', '/nowhere/');
define('DAY_IN_SECONDS', 86400);

final class WP_Error
{
    public $code, $text, $data;
    public function __construct($code, $text, $data = null)
    {
        list($this->code, $this->text, $this->data) = [$code, $text, $data];
    }
}
$GLOBALS['hooks'] = [];
function add_filter($name) { $GLOBALS['hooks'][] = $name; }
function add_action($name) { $GLOBALS['hooks'][] = $name; }
function remove_filter($name) { $GLOBALS['hooks'][] = "-$name"; }
function apply_filters($name, $value) { return $value; }
function __($text) { return $text; }
function _n($one, $many, $number) { return $number === 1 ? $one : $many; }
function esc_url($url) { return $url; }
function wp_lostpassword_url() { return '/lost'; }
function remove_accents($text) { return strtr($text, ['é' => 'e', 'ü' => 'u', 'ß' => 's']); }

require __DIR__ . '/../../conf/wordpress/membergate.php';

$count = $failed = 0;
function same($wanted, $got, $what)
{
    $GLOBALS['count']++;
    if ($wanted !== $got) {
        $GLOBALS['failed']++;
        fwrite(STDERR, "$what:\n  wanted " . var_export($wanted, true) . "\n  got    " . var_export($got, true) . "\n");
    }
}

// --- settings ---

same(['admin_notices', 'network_admin_notices', 'site_status_tests'], $hooks, 'without constants nothing is changed');

$key = ['KEY' => 'mbr_0123'];
foreach ([
    'http://127.0.0.1:8377' => 'http://127.0.0.1:8377',
    'http://127.0.0.1:8377/' => 'http://127.0.0.1:8377',
    'http://localhost' => 'http://localhost',
    'http://[::1]:80' => 'http://[::1]:80',
    'https://members.example.com' => 'https://members.example.com',
    'HTTPS://members.example.com:8443' => 'HTTPS://members.example.com:8443',
    'http://members.example.com' => null,
    'http://127.0.0.1.example.com' => null,
    'http://localhost@example.com' => null,
    'https://user:word@example.com' => null,
    'https://example.com/blog' => null,
    'ftp://localhost' => null,
    '' => null,
] as $given => $taken) {
    $settings = Membergate::settingsFrom($key + ['URL' => $given]);
    same($taken, $settings['url'], "MEMBERGATE_URL = $given");
    same($taken !== null, $settings['usable'], "usable with $given");
    same($taken === null ? 1 : 0, count($settings['problems']), "problems with $given");
}

$url = ['URL' => 'http://localhost'];
$file = tempnam(sys_get_temp_dir(), 'mbr');
file_put_contents($file, "  mbr_from_file \n");
same('mbr_from_file', Membergate::settingsFrom($url + ['KEY_FILE' => $file])['key'], 'a key in a file');
same('mbr_from_file', Membergate::settingsFrom($url + $key + ['KEY_FILE' => $file])['key'], 'the file comes first');
file_put_contents($file, "two\nlines");
same(null, Membergate::settingsFrom($url + ['KEY_FILE' => $file])['key'], 'a file with more than a key');
unlink($file);
same(false, Membergate::settingsFrom($url + ['KEY_FILE' => $file])['usable'], 'no file');
same(false, Membergate::settingsFrom($url)['usable'], 'no key');
same(false, Membergate::settingsFrom([])['wanted'], 'no constants');

same('admins', Membergate::settingsFrom($url + $key)['fallback'], 'the fallback as shipped');
same('admins', Membergate::settingsFrom($url + $key + ['FALLBACK' => 'all'])['fallback'], 'an unknown fallback');
same(1, count(Membergate::settingsFrom($url + $key + ['FALLBACK' => 'all'])['problems']), 'it is said');
same(1, count(Membergate::settingsFrom($url + $key + ['FALLBACK' => 'none'])['problems']), 'nobody could log in');
same([], Membergate::settingsFrom($url + $key + ['FALLBACK' => 'none', 'LINK_ADMINS' => true])['problems'], 'none');
same('off', Membergate::settingsFrom($url + $key + ['PASSWORDS' => 'yes'])['passwords'], 'unknown is off');
same([], Membergate::settingsFrom($url + $key + ['ROLES' => 'Gold'])['roles'], 'roles that are no array');

// --- tags and roles ---

$tags = [['id' => '12', 'name' => 'Gold'], ['id' => '13', 'name' => '2024'], ['id' => '14', 'name' => '']];
same(true, Membergate::tagIsAmong('Gold', $tags), 'by name');
same(true, Membergate::tagIsAmong('gOLD', $tags), 'in any case');
same(true, Membergate::tagIsAmong(12, $tags), 'by id');
same(true, Membergate::tagIsAmong('12', $tags), 'by id as text');
same(false, Membergate::tagIsAmong('2024', $tags), 'a number is an id, no name');
same(false, Membergate::tagIsAmong('', $tags), 'nothing is no tag');
same(false, Membergate::tagIsAmong('Gol', $tags), 'a part is no name');
same(
    [['gold', 'member'], ['gold', 'member', 'silver', 'vip']],
    Membergate::rolesFor($tags, ['Gold' => ['gold', 'member'], 'Silver' => ['silver', 'member'], '99' => ['vip'], 12 => ['gold']]),
    'one role by two tags'
);
same([[], ['gold']], Membergate::rolesFor([], ['Gold' => ['gold']]), 'no tags');

// --- login names ---

function nameOf($first, $last, array $taken = [])
{
    return Membergate::loginName(
        ['id' => '42', 'email' => 'secret@example.com', 'first_name' => $first, 'last_name' => $last],
        function ($name) use ($taken) {
            return in_array($name, $taken, true);
        }
    );
}
same('jane-doe', nameOf('Jane', 'Doe'), 'first and last name');
same('rene-o-muller', nameOf('René', "O'Müller"), 'accents and quotes');
same('member-42', nameOf('', ''), 'no name');
same('member-42', nameOf('李', '小龙'), 'no letters for an address');
same('member-42', nameOf('Bo', ''), 'too short');
same('jane-doe-3', nameOf('Jane', 'Doe', ['jane-doe', 'jane-doe-2']), 'taken');
same(40, strlen(nameOf(str_repeat('long', 30), '')), 'long');
same('jane-doe-42-10', nameOf('Jane', 'Doe', array_merge(['jane-doe'], array_map(function ($n) {
    return "jane-doe-$n";
}, range(2, 9)))), 'very many of one name');

// --- what a visitor reads ---

$wrong = Membergate::refusal(401, 'invalid_credentials', 0);
same('incorrect_password', $wrong->code, 'wrong');
same($wrong->text, Membergate::refusal(400, 'invalid_request', 0)->text, 'what cannot be a password is wrong');
same('membergate_not_entitled', Membergate::refusal(403, 'not_entitled', 0)->code, 'not entitled');
same('membergate_unavailable', Membergate::refusal(403, 'scope', 0)->code, 'a fault of the set-up is no refusal');
same('membergate_unavailable', Membergate::refusal(0, '', 0)->code, 'not asked');
same('membergate_unavailable', Membergate::refusal(503, 'busy', 1)->code, 'busy');
foreach ([0 => '1 second.', 1 => '1 second.', 45 => '45 seconds.', 90 => '2 minutes.', 900 => '15 minutes.'] as $after => $end) {
    $error = Membergate::refusal(429, 'throttled', $after);
    same("Try again in $end", strstr($error->text, 'Try again'), "Retry-After: $after");
    same(max(1, $after), $error->data['retry_after'], 'for plugins');
}

echo "$count checks, $failed failed\n";
exit($failed ? 1 : 0);
