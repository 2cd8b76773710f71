<?php
/**
 * Plugin Name: Membergate
 * Description: Members log in with the password that Membergate keeps; their roles follow their
 *              tags in ActiveCampaign.
 * Version:     1.0
 * Requires at least: 5.6
 * Requires PHP: 7.4
 *
 * A must-use plugin: put it into wp-content/mu-plugins/ and set the constants of README.md, which
 * lies beside it, in wp-config.php.
 *
 * Two kinds of accounts. A *linked* one carries a contact's id (user meta membergate_contact): only
 * Membergate decides about its password, its roles follow the contact's tags. A *protected* one
 * (administrators, and whoever has MEMBERGATE_FALLBACK_CAPABILITY) is WordPress's own: it is never
 * linked by its e-mail, nothing here changes it, and its WordPress password is looked at first.
 */

defined('ABSPATH') || exit;

final class Membergate
{
    const COOKIE = 'membergate_session';

    const META_CONTACT = 'membergate_contact';      // the contact's id
    const META_EMAIL = 'membergate_email';          // its e-mail as seen last
    const META_NAMES = 'membergate_names';          // a digest of its names as seen last
    const META_REFRESHED = 'membergate_refreshed';  // when each session was looked up

    const TROUBLES = 'membergate_troubles';  // what went wrong last, for administrators
    const PAUSE = 'membergate_pause';        // set while clicks are not to wait for Membergate
    const CHECKED = 'membergate_checked';    // set while the state need not be asked for again

    // Whoever may do one of these can make himself anything.
    const MIGHTY = [
        'manage_options', 'edit_users', 'promote_users', 'create_users', 'delete_users',
        'install_plugins', 'activate_plugins', 'edit_plugins', 'edit_themes', 'update_core',
        'manage_network',
    ];

    // Seconds. Connecting and answering together stay below ten.
    const CONNECT_TIMEOUT = 2;
    const TIMEOUT = 6;
    const SHORT_TIMEOUT = 3;

    const MAX_PASSWORD_BYTES = 256;

    private static $settings = null;
    private static $contacts = [];     // by id, as read in this request
    private static $begun = [];        // sessions of this request: user id => [token, sent]
    private static $working = false;   // guards against being asked who is logged in meanwhile
    private static $pushed = [];       // user ids whose new password Membergate has taken

    // --- set-up --------------------------------------------------------------------------------

    public static function start()
    {
        add_action('admin_notices', [__CLASS__, 'showNotices']);
        add_action('network_admin_notices', [__CLASS__, 'showNotices']);
        add_filter('site_status_tests', [__CLASS__, 'addHealthTest']);
        if (!self::settings()['wanted']) {
            return;
        }
        // These two look at WordPress's passwords only; authenticate() calls them where they count.
        remove_filter('authenticate', 'wp_authenticate_username_password', 20);
        remove_filter('authenticate', 'wp_authenticate_email_password', 20);
        // After application passwords (20), before the log-in cookie (30).
        add_filter('authenticate', [__CLASS__, 'authenticate'], 21, 3);
        add_filter('shake_error_codes', [__CLASS__, 'addShakeCodes']);
        add_filter('attach_session_information', [__CLASS__, 'attachSession'], 10, 2);
        add_action('set_auth_cookie', [__CLASS__, 'sendSession'], 10, 6);
        add_action('clear_auth_cookie', [__CLASS__, 'takeBackSession']);
        add_action('wp_logout', [__CLASS__, 'logOut']);
        add_action('shutdown', [__CLASS__, 'endUnsentSessions']);
        add_filter('determine_current_user', [__CLASS__, 'followSession'], 30);

        add_action('user_profile_update_errors', [__CLASS__, 'pushFromProfile'], PHP_INT_MAX, 3);
        add_action('woocommerce_save_account_details_errors', [__CLASS__, 'pushFromShop'], PHP_INT_MAX, 2);
        add_action('validate_password_reset', [__CLASS__, 'pushFromReset'], PHP_INT_MAX, 2);
        add_action('after_password_reset', [__CLASS__, 'pushAfterReset'], 10, 2);
        add_action('profile_update', [__CLASS__, 'noticeUnpushed'], 10, 2);
        add_filter('show_password_fields', [__CLASS__, 'mayChangePassword'], 10, 2);
        add_filter('allow_password_reset', [__CLASS__, 'mayResetPassword'], 10, 2);
        add_filter('wp_is_application_passwords_available_for_user', [__CLASS__, 'mayUseApplicationPasswords'], 10, 2);

        add_action('requests-requests.before_request', [__CLASS__, 'connectQuickly'], 10, 5);
        add_filter('pre_http_send_through_proxy', [__CLASS__, 'avoidProxy'], 10, 2);
    }

    private static function settings()
    {
        if (self::$settings === null) {
            $constants = [];
            foreach (['URL', 'KEY', 'KEY_FILE', 'FALLBACK', 'FALLBACK_CAPABILITY', 'LINK_ADMINS', 'ROLES',
                'REFRESH', 'PASSWORDS'] as $name) {
                if (defined('MEMBERGATE_' . $name)) {
                    $constants[$name] = constant('MEMBERGATE_' . $name);
                }
            }
            self::$settings = self::settingsFrom($constants);
        }
        return self::$settings;
    }

    /**
     * What the constants say, with the prefix MEMBERGATE_ cut off. `wanted` is whether there are any,
     * `usable` whether Membergate can be asked; `problems` are sentences for administrators.
     */
    public static function settingsFrom(array $constants)
    {
        $problems = [];
        $constants += ['FALLBACK' => 'admins', 'FALLBACK_CAPABILITY' => 'manage_options', 'LINK_ADMINS' => false,
            'ROLES' => [], 'REFRESH' => 60, 'PASSWORDS' => 'push'];

        $url = self::usableUrl(isset($constants['URL']) ? $constants['URL'] : null);
        if ($url === null) {
            $problems[] = 'MEMBERGATE_URL is missing, is not of the kind https://example.com, or is http:// to '
                . 'another host than this one.';
        }
        $key = isset($constants['KEY']) ? $constants['KEY'] : '';
        if (isset($constants['KEY_FILE'])) {
            $key = is_readable($constants['KEY_FILE']) ? file_get_contents($constants['KEY_FILE']) : '';
        }
        $key = trim((string) $key);
        if (!preg_match('/^[!-~]+$/', $key)) {
            $key = null;
            $problems[] = isset($constants['KEY_FILE'])
                ? 'PHP cannot read a key from the file that MEMBERGATE_KEY_FILE names.'
                : 'Neither MEMBERGATE_KEY_FILE nor MEMBERGATE_KEY gives an API key.';
        }
        $fallback = $constants['FALLBACK'];
        if (!in_array($fallback, ['none', 'local', 'admins'], true)) {
            $fallback = 'admins';
            $problems[] = 'MEMBERGATE_FALLBACK is none, local or admins; it is taken for admins.';
        }
        if ($fallback === 'none' && !$constants['LINK_ADMINS']) {
            $problems[] = 'With MEMBERGATE_FALLBACK = none and without MEMBERGATE_LINK_ADMINS no administrator can '
                . 'log in.';
        }
        $passwords = $constants['PASSWORDS'];
        if (!in_array($passwords, ['push', 'off'], true)) {
            $passwords = 'off';
            $problems[] = 'MEMBERGATE_PASSWORDS is push or off; it is taken for off.';
        }
        if (!is_array($constants['ROLES'])) {
            $constants['ROLES'] = [];
            $problems[] = 'MEMBERGATE_ROLES is no array of tag => role.';
        }
        return [
            'wanted' => isset($constants['URL']) || isset($constants['KEY']) || isset($constants['KEY_FILE']),
            'usable' => $url !== null && $key !== null,
            'url' => $url,
            'key' => $key,
            'fallback' => $fallback,
            'capability' => (string) $constants['FALLBACK_CAPABILITY'],
            'link_admins' => (bool) $constants['LINK_ADMINS'],
            'roles' => $constants['ROLES'],
            'refresh' => max(0, (int) $constants['REFRESH']),
            'passwords' => $passwords,
            'problems' => $problems,
        ];
    }

    // Passwords travel in these requests: in the clear only within this machine.
    private static function usableUrl($url)
    {
        if (!is_string($url) || !preg_match('~^(https?)://(\[[0-9a-f:]+\]|[^/:@?#\s]+)(:\d+)?/?$~i', $url, $part)) {
            return null;
        }
        $here = preg_match('/^(localhost|127(\.\d+){3}|\[::1\])$/i', $part[2]);
        return strtolower($part[1]) === 'https' || $here ? rtrim($url, '/') : null;
    }

    // --- asking Membergate ---------------------------------------------------------------------

    /**
     * Sends a request that needs a key with `$scope`. Returns [status, body, retry_after]; status 0
     * says that Membergate could not be asked, or that the key does not serve. Never logs what was sent.
     */
    private static function ask($scope, $method, $path, $body = null, array $headers = [], $timeout = self::TIMEOUT)
    {
        $settings = self::settings();
        $nothing = ['status' => 0, 'body' => [], 'retry_after' => 0];
        if (!$settings['usable']) {
            return $nothing;
        }
        $headers['Authorization'] = 'Bearer ' . $settings['key'];
        $arguments = ['method' => $method, 'timeout' => $timeout, 'redirection' => 0, 'httpversion' => '1.1',
            'user-agent' => 'membergate-wordpress', 'limit_response_size' => 4 * 1024 * 1024];
        if ($body !== null) {
            $headers['Content-Type'] = 'application/json';
            $arguments['body'] = json_encode($body, JSON_UNESCAPED_SLASHES);
            if ($arguments['body'] === false) {  // no UTF-8
                return ['status' => 400, 'body' => ['code' => 'invalid_request']] + $nothing;
            }
        }
        $arguments['headers'] = $headers;
        $response = wp_remote_request($settings['url'] . '/membergate/v1' . $path, $arguments);
        if (is_wp_error($response)) {
            self::noteTrouble('unreachable', $response->get_error_message());
            self::pause();
            return $nothing;
        }
        $status = (int) wp_remote_retrieve_response_code($response);
        $answer = json_decode((string) wp_remote_retrieve_body($response), true);
        $code = is_array($answer) && isset($answer['code']) && is_string($answer['code']) ? $answer['code'] : '';
        if ($status !== 204 && !($status < 300 ? is_array($answer) : $code !== '')) {
            self::noteTrouble('unreachable', "What answers ($status) is not Membergate; is nginx's snippet included?");
            return $nothing;
        }
        if ($status >= 500) {
            self::noteTrouble('unreachable', "It answers $status.");
            if ($status === 502 || $status === 504) {  // nginx finds no daemon
                self::pause();
            }
        } elseif ($status === 401 && $code === 'key') {
            self::noteTrouble('key', '');
            return $nothing;
        } elseif ($status === 403 && $code === 'scope') {
            self::forgetTroubles(['unreachable', 'key']);
            self::noteTrouble('scope:' . $scope, '');
            return ['body' => $answer] + $nothing;
        } else {
            self::forgetTroubles(['unreachable', 'key', 'scope:' . $scope]);
        }
        $after = (int) wp_remote_retrieve_header($response, 'retry-after');
        return ['status' => $status, 'body' => (array) $answer, 'retry_after' => max(0, $after)];
    }

    // WordPress gives a request one time-out and leaves ten seconds for the connection alone.
    public static function connectQuickly($url, $headers = null, $data = null, $type = null, &$options = null)
    {
        if (is_array($options) && self::isOurs($url)) {
            $options['connect_timeout'] = self::CONNECT_TIMEOUT;
        }
    }

    // WP_PROXY_HOST is for the world outside; passwords do not go there.
    public static function avoidProxy($override, $url)
    {
        return self::isOurs($url) ? false : $override;
    }

    private static function isOurs($url)
    {
        $ours = self::settings()['url'];
        return $ours !== null && is_string($url) && strpos($url, $ours . '/membergate/') === 0;
    }

    // kind => [detail, at], as far as they are of this URL and key.
    private static function troubles()
    {
        $noted = get_site_transient(self::TROUBLES);
        return isset($noted['of'], $noted['kinds']) && $noted['of'] === self::askedWith() ? $noted['kinds'] : [];
    }

    private static function askedWith()
    {
        return substr(hash('sha256', self::settings()['url'] . ' ' . self::settings()['key']), 0, 16);
    }

    private static function keepTroubles(array $troubles)
    {
        if ($troubles) {
            // A day without asking is long enough to forget.
            set_site_transient(self::TROUBLES, ['of' => self::askedWith(), 'kinds' => $troubles], DAY_IN_SECONDS);
        } else {
            delete_site_transient(self::TROUBLES);
        }
    }

    private static function noteTrouble($kind, $detail)
    {
        $troubles = self::troubles();
        if (!isset($troubles[$kind])) {
            error_log('membergate: ' . self::troubleText($kind, $detail));
        }
        $troubles[$kind] = ['detail' => $detail, 'at' => time()];
        self::keepTroubles($troubles);
    }

    // A site whose every click waits for what does not answer is down too. Logins ask all the same.
    private static function pause()
    {
        set_site_transient(self::PAUSE, 1, 10);
    }

    private static function forgetTroubles(array $kinds)
    {
        $troubles = self::troubles();
        $left = array_diff_key($troubles, array_flip($kinds));
        if ($left !== $troubles) {
            self::keepTroubles($left);
        }
        if (isset($troubles['unreachable']) && !isset($left['unreachable'])) {
            delete_site_transient(self::PAUSE);
        }
    }

    public static function troubleText($kind, $detail)
    {
        if ($kind === 'unreachable') {
            return trim(__('Membergate cannot be asked, so members cannot log in.', 'membergate') . ' ' . $detail);
        }
        if ($kind === 'key') {
            return __('Membergate refuses the API key, so members cannot log in.', 'membergate');
        }
        $scope = substr($kind, strlen('scope:'));
        /* translators: %s: the name of a scope */
        return sprintf(__('The API key for Membergate lacks the scope %s.', 'membergate'), $scope);
    }

    // --- logging in ----------------------------------------------------------------------------

    /** Filter authenticate: who may enter. */
    public static function authenticate(
        $user,
        $username,
        #[\SensitiveParameter]
        $password
    ) {
        if ($user instanceof WP_User) {
            return $user;
        }
        if ((string) $username === '' || (string) $password === '') {
            return wp_authenticate_username_password($user, $username, $password);
        }
        $calls = defined('XMLRPC_REQUEST') && XMLRPC_REQUEST;
        // What a captcha or a lock said before counts. Of XML-RPC it is the application password that
        // did not fit, which may be the account's own.
        if (is_wp_error($user) && !$calls) {
            return $user;
        }
        $fallback = self::settings()['fallback'];
        $known = self::userNamed($username);
        if ($known && $fallback !== 'none' && self::isProtected($known)) {
            $local = self::authenticateHere($username, $password);
            if ($local instanceof WP_User) {
                return $local;
            }
        }
        $here = $fallback === 'local' && $known && !self::contactOf($known) && !self::isProtected($known);
        if ($calls) {
            // A log-in with each call would cost a session each, and guesses would come in hundreds.
            return $here ? self::authenticateHere($username, $password) : self::error(
                'membergate_xmlrpc',
                __('Use an application password.', 'membergate')
            );
        }
        $answer = self::askLogin(self::emailFor($username, $known), self::asTyped($password));
        $code = isset($answer['body']['code']) ? $answer['body']['code'] : '';
        if ($answer['status'] === 200) {
            return self::enter($answer['body'], $password);
        }
        // Not for one who is throttled or kept out.
        if ($here && !in_array($answer['status'], [403, 429], true)) {
            return self::authenticateHere($username, $password);
        }
        return self::refusal($answer['status'], $code, $answer['retry_after']);
    }

    private static function askLogin(
        $email,
        #[\SensitiveParameter]
        $password
    ) {
        if (strlen($password) > self::MAX_PASSWORD_BYTES) {
            return ['status' => 401, 'body' => [], 'retry_after' => 0];
        }
        $body = ['email' => $email, 'password' => $password];
        $address = isset($_SERVER['REMOTE_ADDR']) ? $_SERVER['REMOTE_ADDR'] : '';
        /** Filters the visitor's address, by which failed logins are counted. */
        $address = apply_filters('membergate_client_ip', $address);
        if (filter_var($address, FILTER_VALIDATE_IP)) {
            $body['client_ip'] = $address;
        }
        return self::ask('login', 'POST', '/login', $body);
    }

    /** What the visitor reads. Of an unknown e-mail and a wrong password he reads the same. */
    public static function refusal($status, $code, $retryAfter)
    {
        if ($status === 400 || $status === 401) {
            $text = __('The e-mail address or the password is wrong.', 'membergate');
            if (self::settings()['passwords'] === 'push') {
                $text .= ' <a href="' . esc_url(wp_lostpassword_url()) . '">'
                    . __('Lost your password?', 'membergate') . '</a>';
            }
            return self::error('incorrect_password', $text);
        }
        if ($status === 403 && $code === 'not_entitled') {
            return self::error(
                'membergate_not_entitled',
                __('Your password is right, but your membership does not include this site.', 'membergate')
            );
        }
        if ($status === 429) {
            $seconds = max(1, $retryAfter);
            $minutes = (int) ceil($seconds / 60);
            $while = $seconds < 90
                /* translators: %d: seconds */
                ? sprintf(_n('%d second', '%d seconds', $seconds, 'membergate'), $seconds)
                /* translators: %d: minutes */
                : sprintf(_n('%d minute', '%d minutes', $minutes, 'membergate'), $minutes);
            /* translators: %s: how long, in seconds or minutes */
            $text = sprintf(__('Too many attempts. Try again in %s.', 'membergate'), $while);
            return self::error('membergate_throttled', $text, ['retry_after' => $seconds]);
        }
        return self::error(
            'membergate_unavailable',
            __('Logging in is not possible at the moment. Please try again in a few minutes.', 'membergate')
        );
    }

    private static function error($code, $text, array $data = [])
    {
        /** Filters a sentence for visitors, by its code. */
        $text = apply_filters('membergate_message', $text, $code);
        return new WP_Error($code, '<strong>' . __('Error:', 'membergate') . '</strong> ' . $text, $data);
    }

    public static function addShakeCodes($codes)
    {
        $ours = ['membergate_not_entitled', 'membergate_throttled', 'membergate_unavailable'];
        return array_merge((array) $codes, $ours);
    }

    // Membergate has let the member in: find or make the account.
    private static function enter(
        array $answer,
        #[\SensitiveParameter]
        $password
    ) {
        $token = $answer['session'];
        $user = self::accountFor($answer['contact']);
        if ($user instanceof WP_User) {
            // Where plugins refuse accounts that are not approved, blocked and the like.
            $user = apply_filters('wp_authenticate_user', $user, $password);
        }
        if (!$user instanceof WP_User) {
            self::endSession($token);
            return is_wp_error($user) ? $user : self::refusal(0, '', 0);
        }
        self::$begun[$user->ID] = ['token' => $token, 'sent' => false];
        self::follow($user, $answer['contact']);
        return $user;
    }

    // WordPress's own passwords, by login name or e-mail.
    private static function authenticateHere(
        $username,
        #[\SensitiveParameter]
        $password
    ) {
        $user = wp_authenticate_username_password(null, $username, $password);
        if (is_wp_error($user) && $user->get_error_code() === 'invalid_username' && is_email($username)) {
            $user = wp_authenticate_email_password(null, $username, $password);
        }
        // Their own words tell an unknown name from a wrong password.
        $telling = ['invalid_username', 'invalid_email', 'incorrect_password'];
        if (is_wp_error($user) && in_array($user->get_error_code(), $telling, true)) {
            return self::refusal(401, '', 0);
        }
        return $user instanceof WP_User || is_wp_error($user) ? $user : self::refusal(401, '', 0);
    }

    private static function userNamed($username)
    {
        $user = get_user_by('login', $username);
        return $user || strpos($username, '@') === false ? $user : get_user_by('email', $username);
    }

    // What holds an @ is an e-mail, as everywhere in Membergate.
    private static function emailFor($username, $known)
    {
        if (strpos($username, '@') !== false) {
            // WordPress has taken accents and quotes out of it.
            foreach ($_POST as $value) {
                if (is_string($value) && sanitize_user(wp_unslash($value)) === $username) {
                    return wp_unslash($value);
                }
            }
            return $username;
        }
        if (!$known) {
            return $username;
        }
        return get_user_meta($known->ID, self::META_EMAIL, true) ?: $known->user_email;
    }

    // WordPress adds backslashes to what a form sends and leaves them in passwords; what comes from
    // elsewhere has none.
    private static function asTyped(
        #[\SensitiveParameter]
        $password
    ) {
        foreach ($_POST as $value) {
            if (is_string($value) && trim($value) === $password) {
                return wp_unslash($password);
            }
        }
        return $password;
    }

    // --- accounts ------------------------------------------------------------------------------

    /** The contact's id, or ''. */
    private static function contactOf($user)
    {
        return $user ? (string) get_user_meta($user->ID, self::META_CONTACT, true) : '';
    }

    /** Whether WordPress alone keeps the account. */
    private static function isProtected($user)
    {
        $is = is_super_admin($user->ID);
        foreach (self::protectingCapabilities() as $capability) {
            $is = $is || $user->has_cap($capability);
        }
        /** Filters whether an account is kept by WordPress alone. */
        return (bool) apply_filters('membergate_is_protected', $is, $user);
    }

    private static function protectingCapabilities()
    {
        return array_merge(self::MIGHTY, array_filter([self::settings()['capability']]));
    }

    private static function isMember($user)
    {
        return self::contactOf($user) !== '' && !self::isProtected($user);
    }

    // The account of a contact who has shown his password.
    private static function accountFor(array $contact)
    {
        $user = self::linkedTo($contact['id']);
        if (!$user && !empty($contact['email'])) {
            $user = get_user_by('email', $contact['email']) ?: null;
            $other = self::contactOf($user);
            if ($user && $other !== '') {
                $user = self::settleOwner($user, $other, $contact);
                if (is_wp_error($user)) {
                    return $user;
                }
            }
        }
        if (!$user) {
            return self::makeAccount($contact);
        }
        if (self::isProtected($user) && !self::settings()['link_admins']) {
            return self::error(
                'membergate_protected',
                __('This account is kept by WordPress alone: use its own password.', 'membergate')
            );
        }
        if (self::contactOf($user) !== $contact['id']) {
            self::link($user, $contact);
        }
        return $user;
    }

    private static function linkedTo($contact)
    {
        $found = get_users(['meta_key' => self::META_CONTACT, 'meta_value' => $contact, 'number' => 1,
            'orderby' => 'ID', 'blog_id' => 0, 'count_total' => false]);
        return $found ? $found[0] : null;
    }

    // `$user` has the e-mail of `$contact` and is linked to another contact. Either that one is gone,
    // being deleted or merged into this one, or it has a new e-mail that was not seen here yet; then
    // the account stays with it.
    private static function settleOwner($user, $other, array $contact)
    {
        $answer = self::ask('contacts:read', 'GET', '/contacts/' . rawurlencode($other) . '?refresh=live');
        if ($answer['status'] === 404) {
            return $user;
        }
        if ($answer['status'] !== 200) {
            return self::refusal(0, '', 0);
        }
        self::follow($user, $answer['body']);
        $owner = get_user_by('email', $contact['email']);
        return $owner ? self::refusal(0, '', 0) : null;
    }

    private static function link($user, array $contact)
    {
        $before = self::contactOf($user);
        update_user_meta($user->ID, self::META_CONTACT, $contact['id']);
        update_user_meta($user->ID, self::META_EMAIL, wp_slash((string) $contact['email']));
        if ($before === '') {
            // Somebody may have made the account in the name of an address that is not his.
            WP_Session_Tokens::get_instance($user->ID)->destroy_all();
            if (class_exists('WP_Application_Passwords')) {
                WP_Application_Passwords::delete_all_application_passwords($user->ID);
            }
        }
    }

    private static function makeAccount(array $contact)
    {
        /** Filters whether a member who has no account gets one. */
        if (empty($contact['email']) || !apply_filters('membergate_create_user', true, $contact)) {
            return self::error('membergate_no_account', __('There is no account for you on this site.', 'membergate'));
        }
        $taken = function ($login) {
            $illegal = array_map('strtolower', (array) apply_filters('illegal_user_logins', []));
            return username_exists($login) || in_array(strtolower($login), $illegal, true);
        };
        /** Filters the login name of a new account. */
        $login = apply_filters('membergate_user_login', self::loginName($contact, $taken), $contact);
        $name = trim($contact['first_name'] . ' ' . $contact['last_name']);
        $role = self::defaultRole();
        $fields = [
            'user_login' => $login,
            'user_email' => $contact['email'],
            'first_name' => $contact['first_name'],
            'last_name' => $contact['last_name'],
            'display_name' => $name !== '' ? $name : $login,
            'nickname' => $name !== '' ? $name : $login,
            'role' => $role,
        ];
        /** Filters what wp_insert_user() is given for a new account. */
        $fields = apply_filters('membergate_new_user', $fields, $contact);
        // Nobody knows this one.
        $fields['user_pass'] = wp_generate_password(40, true, true);
        $id = wp_insert_user(wp_slash($fields));
        if (is_wp_error($id)) {
            // The same member in two windows.
            if ($id->get_error_code() === 'existing_user_email') {
                $user = get_user_by('email', $contact['email']);
                $ours = $user && in_array(self::contactOf($user), ['', $contact['id']], true);
                if ($ours && !self::isProtected($user)) {
                    self::link($user, $contact);
                    return $user;
                }
            }
            error_log('membergate: no account could be made: ' . $id->get_error_code());
            return self::refusal(0, '', 0);
        }
        $user = get_user_by('id', $id);
        update_user_meta($id, self::META_CONTACT, $contact['id']);
        update_user_meta($id, self::META_EMAIL, wp_slash($contact['email']));
        update_user_meta($id, self::META_NAMES, self::namesDigest($contact));
        do_action('membergate_user_created', $user, $contact);
        return $user;
    }

    /**
     * A login name from the contact's names, never from its e-mail: WordPress shows it in addresses.
     * `$taken($name)` says whether one cannot be had.
     */
    public static function loginName(array $contact, callable $taken)
    {
        $name = remove_accents(trim($contact['first_name'] . ' ' . $contact['last_name']));
        $name = trim(preg_replace('/[^a-z0-9]+/', '-', strtolower($name)), '-');
        $name = rtrim(substr($name, 0, 40), '-');
        if (strlen($name) < 4) {
            $name = 'member-' . $contact['id'];
        }
        $login = $name;
        for ($number = 2; $taken($login); $number++) {
            // Of many of one name each gets his own at once.
            $login = $number < 10 ? $name . '-' . $number : $name . '-' . $contact['id'] . '-' . $number;
        }
        return $login;
    }

    private static function defaultRole()
    {
        /** Filters the role of a new account. */
        $role = (string) apply_filters('membergate_default_role', get_option('default_role'));
        return self::isMightyRole($role) ? 'subscriber' : $role;
    }

    // Whoever has such a role is protected: it could not be taken away again.
    private static function isMightyRole($name)
    {
        $role = get_role($name);
        foreach (self::protectingCapabilities() as $capability) {
            if ($role && $role->has_cap($capability)) {
                return true;
            }
        }
        return false;
    }

    // Names, e-mail and roles follow the contact. What a member changed in WordPress stays until it
    // changes in ActiveCampaign.
    private static function follow($user, array $contact)
    {
        self::$contacts[$contact['id']] = $contact;
        if (self::isProtected($user)) {
            return;
        }
        $changes = [];
        $email = isset($contact['email']) ? (string) $contact['email'] : '';
        if ($email !== '' && strcasecmp($email, (string) get_user_meta($user->ID, self::META_EMAIL, true)) !== 0) {
            $owner = email_exists($email);
            if (!$owner) {
                $changes['user_email'] = $email;
            } elseif ((int) $owner !== (int) $user->ID) {
                error_log("membergate: the e-mail of contact {$contact['id']} belongs to user $owner already");
            }
            update_user_meta($user->ID, self::META_EMAIL, wp_slash($email));
        }
        if (get_user_meta($user->ID, self::META_NAMES, true) !== self::namesDigest($contact)) {
            $old = trim($user->first_name . ' ' . $user->last_name);
            foreach (['first_name', 'last_name'] as $name) {
                if ($contact[$name] !== '') {
                    $changes[$name] = $contact[$name];
                }
            }
            $new = trim($contact['first_name'] . ' ' . $contact['last_name']);
            if ($new !== '' && in_array($user->display_name, [$old, $user->user_login], true)) {
                $changes['display_name'] = $new;
            }
            update_user_meta($user->ID, self::META_NAMES, self::namesDigest($contact));
        }
        if ($changes) {
            add_filter('send_email_change_email', '__return_false', 987);
            wp_update_user(wp_slash(['ID' => $user->ID] + $changes));
            remove_filter('send_email_change_email', '__return_false', 987);
        }
        self::followTags($user, $contact);
        do_action('membergate_followed', $user, $contact);
    }

    private static function namesDigest(array $contact)
    {
        return md5($contact['first_name'] . "\n" . $contact['last_name']);
    }

    private static function followTags($user, array $contact)
    {
        $map = self::roleMap();
        list($wanted, $managed) = self::rolesFor($contact['tags'], $map);
        // Read anew: what is in hand may be from before.
        $user = new WP_User($user->ID);
        foreach ($managed as $role) {
            $has = in_array($role, $user->roles, true);
            if (in_array($role, $wanted, true) && !$has) {
                $user->add_role($role);
            } elseif (!in_array($role, $wanted, true) && $has) {
                $user->remove_role($role);
            }
        }
        $default = self::defaultRole();
        if (!$user->roles && $default !== '' && !in_array($default, $managed, true)) {
            $user->add_role($default);
        }
    }

    /** tag name or id => [role, ...], as far as the roles can be given. */
    private static function roleMap()
    {
        /** Filters which tags give which roles: tag name or id => role, or a list of roles. */
        $map = (array) apply_filters('membergate_roles', self::settings()['roles']);
        foreach ($map as $tag => $roles) {
            $map[$tag] = array_filter((array) $roles, [__CLASS__, 'canBeGiven']);
        }
        return $map;
    }

    private static function canBeGiven($role)
    {
        return is_string($role) && get_role($role) && !self::isMightyRole($role);
    }

    /** What is wrong with the constants, as sentences for administrators. */
    private static function problems()
    {
        $problems = self::settings()['problems'];
        foreach ((array) apply_filters('membergate_roles', self::settings()['roles']) as $roles) {
            foreach ((array) $roles as $role) {
                if (!self::canBeGiven($role)) {
                    $problems[] = sprintf(
                        /* translators: %s: a role */
                        __(
                            'The role %s cannot follow a tag: there is none of that name, or it makes a protected account.',
                            'membergate'
                        ),
                        is_string($role) ? $role : gettype($role)
                    );
                }
            }
        }
        return array_unique($problems);
    }

    /** [the roles that these tags give, all roles of the map]. */
    public static function rolesFor(array $tags, array $map)
    {
        $wanted = $managed = [];
        foreach ($map as $tag => $roles) {
            $managed = array_merge($managed, (array) $roles);
            if (self::tagIsAmong((string) $tag, $tags)) {
                $wanted = array_merge($wanted, (array) $roles);
            }
        }
        return [array_values(array_unique($wanted)), array_values(array_unique($managed))];
    }

    /** A positive integer is an id, all else a name, whose case does not matter. */
    public static function tagIsAmong($tag, array $tags)
    {
        $tag = (string) $tag;
        $key = preg_match('/^[1-9][0-9]*$/', $tag) ? 'id' : 'name';
        foreach ($tags as $one) {
            if ($tag !== '' && self::folded($one[$key]) === self::folded($tag)) {
                return true;
            }
        }
        return false;
    }

    private static function folded($text)
    {
        return function_exists('mb_strtolower') ? mb_strtolower($text, 'UTF-8') : strtolower($text);
    }

    // --- sessions ------------------------------------------------------------------------------

    /** Filter attach_session_information: WordPress's session remembers whose it is. */
    public static function attachSession($session, $userId)
    {
        if (isset(self::$begun[$userId])) {
            $session['membergate'] = hash('sha256', self::$begun[$userId]['token']);
            return $session;
        }
        // A new cookie for one who is in already, as after a new password, is bound as the old one was.
        $here = wp_get_session_token();
        $before = $here !== '' ? WP_Session_Tokens::get_instance($userId)->get($here) : null;
        if (!empty($before['membergate'])) {
            $session['membergate'] = $before['membergate'];
        }
        return $session;
    }

    /** Action set_auth_cookie: nginx's gate gets its cookie where WordPress sets its own. */
    public static function sendSession($cookie, $expire, $expiration, $userId, $scheme = '', $token = '')
    {
        if (!isset(self::$begun[$userId]) || self::$begun[$userId]['sent']) {
            return;
        }
        if (apply_filters('send_auth_cookies', true, $expire, $expiration, $userId, $scheme, $token)) {
            self::$begun[$userId]['sent'] = true;
            self::sendCookie(self::$begun[$userId]['token'], $expire);
        }
    }

    /**
     * Action clear_auth_cookie. Who sets and clears within one request, like a plugin that asks for a
     * second factor first, has not let anybody in yet.
     */
    public static function takeBackSession()
    {
        foreach (self::$begun as $userId => $session) {
            if ($session['sent']) {
                unset(self::$begun[$userId]);
                self::endSession($session['token']);
                self::sendCookie('', 0);
            }
        }
    }

    /** Action shutdown: a password was checked and nobody logged in with it. */
    public static function endUnsentSessions()
    {
        foreach (self::$begun as $userId => $session) {
            unset(self::$begun[$userId]);
            if (!$session['sent']) {
                self::endSession($session['token']);
            }
        }
    }

    /** Action wp_logout. */
    public static function logOut()
    {
        $token = self::cookie();
        if ($token !== '') {
            self::endSession($token);
            self::sendCookie('', 0);
        }
    }

    private static function endSession($token)
    {
        self::ask('login', 'POST', '/logout', null, ['Membergate-Session' => $token], self::SHORT_TIMEOUT);
    }

    /**
     * Filter determine_current_user: before anybody asks what the member may, his roles are those of
     * his tags now; if Membergate has ended his session, he is not logged in.
     */
    public static function followSession($userId)
    {
        if (!$userId || self::$working || (defined('XMLRPC_REQUEST') && XMLRPC_REQUEST)) {
            return $userId;
        }
        self::$working = true;
        try {
            return self::sessionHolds((int) $userId) ? $userId : false;
        } finally {
            self::$working = false;
        }
    }

    private static function sessionHolds($userId)
    {
        $here = wp_get_session_token();
        $sessions = WP_Session_Tokens::get_instance($userId);
        $session = $here !== '' ? $sessions->get($here) : null;
        // Began without Membergate: by WordPress's own password, or by another plugin.
        if (empty($session['membergate'])) {
            return true;
        }
        $token = self::cookie();
        // Who throws the cookie away does not keep his roles by that.
        $ended = !hash_equals($session['membergate'], hash('sha256', $token));
        if (!$ended && self::isDue($userId, $session['membergate'])) {
            $headers = ['Membergate-Session' => $token];
            $answer = self::ask('login', 'GET', '/session', null, $headers, self::SHORT_TIMEOUT);
            if ($answer['status'] === 200) {
                $ended = !self::followContact($userId, $answer['body']['contact']);
            } else {
                // Only this says so. While Membergate cannot be asked, all stays as it was.
                $ended = $answer['status'] === 404;
            }
        }
        if ($ended) {
            $sessions->destroy($here);
            if (!headers_sent()) {
                wp_clear_auth_cookie();
            }
            self::sendCookie('', 0);
            do_action('membergate_session_ended', $userId);
        }
        return !$ended;
    }

    // Whether the session is to be looked up; if so it is not for the next while.
    private static function isDue($userId, $digest)
    {
        $every = self::settings()['refresh'];
        $now = time();
        $times = (array) (get_user_meta($userId, self::META_REFRESHED, true) ?: []);
        $key = substr($digest, 0, 16);
        if ((isset($times[$key]) && $now - $times[$key] < $every) || get_site_transient(self::PAUSE)) {
            return false;
        }
        // Old ones go. Two requests at once do no harm: one of them asks once more.
        $times = array_filter($times, function ($time) use ($now, $every) {
            return $now - $time < $every;
        });
        $times[$key] = $now;
        update_user_meta($userId, self::META_REFRESHED, $times);
        return true;
    }

    private static function followContact($userId, array $contact)
    {
        $user = get_user_by('id', $userId);
        if (self::contactOf($user) !== $contact['id']) {
            // The session has moved on: its contact was merged into another one.
            if (self::linkedTo($contact['id'])) {
                return false;
            }
            update_user_meta($userId, self::META_CONTACT, $contact['id']);
        }
        self::follow($user, $contact);
        return true;
    }

    private static function cookie()
    {
        $value = isset($_COOKIE[self::COOKIE]) ? $_COOKIE[self::COOKIE] : '';
        return is_string($value) ? wp_unslash($value) : '';
    }

    // An empty value takes it back.
    private static function sendCookie($value, $expire)
    {
        if ($value === '') {
            unset($_COOKIE[self::COOKIE]);
        } else {
            $_COOKIE[self::COOKIE] = $value;
        }
        if (headers_sent()) {
            return;
        }
        setcookie(self::COOKIE, $value, [
            'expires' => $value === '' ? time() - YEAR_IN_SECONDS : (int) $expire,
            'path' => '/',
            // As far as WordPress's own cookies reach.
            'domain' => defined('COOKIE_DOMAIN') && COOKIE_DOMAIN ? COOKIE_DOMAIN : '',
            'secure' => is_ssl() || strpos((string) get_option('home'), 'https:') === 0,
            'httponly' => true,
            'samesite' => 'Lax',
        ]);
    }

    // --- passwords -----------------------------------------------------------------------------

    /** Action user_profile_update_errors: before WordPress saves, so that a refusal can be shown. */
    public static function pushFromProfile($errors, $update, $fields)
    {
        if ($update && !$errors->has_errors() && !empty($fields->user_pass) && !empty($fields->ID)) {
            self::pushOrComplain($errors, get_user_by('id', $fields->ID), wp_unslash($fields->user_pass));
        }
    }

    /** Action woocommerce_save_account_details_errors. */
    public static function pushFromShop($errors, $fields)
    {
        self::pushFromProfile($errors, true, $fields);
    }

    /** Action validate_password_reset: on showing the form and on sending it. */
    public static function pushFromReset($errors, $user)
    {
        foreach (['pass1', 'password_1'] as $field) {
            $password = isset($_POST[$field]) && is_string($_POST[$field]) ? trim(wp_unslash($_POST[$field])) : '';
            if ($password !== '' && $user instanceof WP_User && !$errors->has_errors()) {
                self::pushOrComplain($errors, $user, $password);
            }
        }
    }

    /** Action after_password_reset: for a form that did not ask beforehand. */
    public static function pushAfterReset(
        $user,
        #[\SensitiveParameter]
        $password
    ) {
        if (isset(self::$pushed[$user->ID]) || !self::isMember($user)) {
            return;
        }
        $answer = self::setPassword($user, self::asTyped(trim($password)));
        if (is_wp_error($answer)) {
            error_log("membergate: the new password of user {$user->ID} was not taken: " . $answer->get_error_code());
        }
    }

    /** Action profile_update: a password that only WordPress knows of does not count for a member. */
    public static function noticeUnpushed($userId, $before)
    {
        $user = get_user_by('id', $userId);
        if (!$user || !$before || $user->user_pass === $before->user_pass || isset(self::$pushed[$userId])) {
            return;
        }
        if (self::isMember($user)) {
            error_log("membergate: a new password of user $userId was not passed on; use membergate_set_password()");
        }
    }

    private static function pushOrComplain(
        $errors,
        $user,
        #[\SensitiveParameter]
        $password
    ) {
        if (!$user || !self::isMember($user)) {
            return;
        }
        $answer = self::setPassword($user, $password);
        if (is_wp_error($answer)) {
            $errors->add($answer->get_error_code(), $answer->get_error_message());
        }
    }

    /** Puts a member's new password in force. true or WP_Error. */
    public static function setPassword(
        $user,
        #[\SensitiveParameter]
        $password
    ) {
        $refused = __('The password was not changed:', 'membergate') . ' ';
        if (!self::isMember($user)) {
            $why = __('the account is not linked to a contact.', 'membergate');
            return self::error('membergate_no_member', $refused . $why);
        }
        if (self::settings()['passwords'] !== 'push') {
            return self::error('membergate_passwords_off', $refused . __('it cannot be changed here.', 'membergate'));
        }
        $path = '/contacts/' . rawurlencode(self::contactOf($user)) . '/password';
        $answer = self::ask('admin', 'POST', $path, ['action' => 'set', 'password' => $password]);
        if ($answer['status'] === 200 || $answer['status'] === 202) {
            self::$pushed[$user->ID] = true;
            self::renewSession($user, $password);
            return true;
        }
        if ($answer['status'] === 400) {
            $detail = isset($answer['body']['detail']) ? esc_html($answer['body']['detail']) : '';
            return self::error('membergate_password', $refused . $detail);
        }
        return self::error('membergate_password', $refused . __('please try again in a few minutes.', 'membergate'));
    }

    // A new password ends the member's sessions; the one who has just set it stays.
    private static function renewSession(
        $user,
        #[\SensitiveParameter]
        $password
    ) {
        $token = self::cookie();
        if ($token === '' || get_current_user_id() !== $user->ID) {
            return;
        }
        $answer = self::askLogin((string) get_user_meta($user->ID, self::META_EMAIL, true), $password);
        if ($answer['status'] === 200 && $answer['body']['contact']['id'] === self::contactOf($user)) {
            self::$begun[$user->ID] = ['token' => $answer['body']['session'], 'sent' => false];
        }
    }

    /** Filter show_password_fields. */
    public static function mayChangePassword($may, $user = null)
    {
        $off = self::settings()['passwords'] !== 'push';
        return $off && $user instanceof WP_User && self::isMember($user) ? false : $may;
    }

    /** Filter allow_password_reset. */
    public static function mayResetPassword($may, $userId)
    {
        return $may === true ? self::mayChangePassword($may, get_user_by('id', $userId)) : $may;
    }

    /** Filter: a member's application password would outlive the membership. */
    public static function mayUseApplicationPasswords($may, $user)
    {
        return $may && !($user instanceof WP_User && self::isMember($user));
    }

    // --- for themes and plugins ----------------------------------------------------------------

    /** $who: a WP_User, a user's id, or null for the visitor; a text is a contact's e-mail. */
    public static function contact($who)
    {
        $path = self::pathOf($who);
        if ($path === null) {
            return null;
        }
        $known = rawurldecode(substr($path, strlen('/contacts/')));
        if (isset(self::$contacts[$known])) {
            return self::$contacts[$known];
        }
        $answer = get_site_transient(self::PAUSE)
            ? ['status' => 0, 'body' => []]
            : self::ask('contacts:read', 'GET', $path);
        if ($answer['status'] === 404) {
            return null;
        }
        if ($answer['status'] !== 200) {
            return self::failure($answer);
        }
        return self::$contacts[$known] = $answer['body'];
    }

    public static function changeTags($who, $change)
    {
        $path = self::pathOf($who);
        if ($path === null) {
            return new WP_Error('membergate_no_member', 'The account is not linked to a contact.');
        }
        $answer = self::ask('contacts:write', 'POST', $path . '/tags', $change, ['Prefer' => 'wait=3']);
        self::$contacts = [];
        if ($answer['status'] !== 200 && $answer['status'] !== 202) {
            return self::failure($answer);
        }
        // Own changes count at once, for roles too.
        $user = is_string($who) ? self::linkedTo($answer['body']['contact_id']) : self::user($who);
        $contact = $user && self::isMember($user) ? self::contact($user) : null;
        if (is_array($contact)) {
            self::follow($user, $contact);
        }
        return $answer['body'];
    }

    private static function failure(array $answer)
    {
        $code = isset($answer['body']['code']) ? $answer['body']['code'] : 'unavailable';
        $detail = isset($answer['body']['detail']) ? $answer['body']['detail'] : 'Membergate could not be asked.';
        return new WP_Error('membergate_' . $code, $detail, $answer['body']);
    }

    public static function user($who)
    {
        if ($who instanceof WP_User) {
            return $who->exists() ? $who : null;
        }
        $user = $who === null ? wp_get_current_user() : get_user_by('id', (int) $who);
        return $user && $user->exists() ? $user : null;
    }

    // Null for an account that is not linked: that somebody typed an address does not make it his.
    private static function pathOf($who)
    {
        if (is_string($who) && strpos($who, '@') !== false) {
            return '/contacts/' . rawurlencode($who);
        }
        $contact = self::contactOf(self::user($who));
        return $contact === '' ? null : '/contacts/' . rawurlencode($contact);
    }

    // --- for administrators --------------------------------------------------------------------

    public static function showNotices()
    {
        if (!current_user_can('manage_options')) {
            return;
        }
        $settings = self::settings();
        $texts = self::problems();
        if ($settings['usable']) {
            if (!get_site_transient(self::CHECKED)) {
                set_site_transient(self::CHECKED, 1, 60);
                self::ask('login', 'GET', '/session', null, [], self::SHORT_TIMEOUT);
            }
            foreach (self::troubles() as $kind => $trouble) {
                $texts[] = self::troubleText($kind, $trouble['detail']);
            }
        }
        foreach ($texts as $text) {
            echo '<div class="notice notice-error"><p><strong>Membergate:</strong> ', esc_html($text), "</p></div>\n";
        }
    }

    public static function addHealthTest($tests)
    {
        $tests['direct']['membergate'] = ['label' => 'Membergate', 'test' => [__CLASS__, 'testHealth']];
        return $tests;
    }

    /** Each scope is tried with a request that changes nothing. */
    public static function testHealth()
    {
        $settings = self::settings();
        $critical = self::problems();
        $missing = [];
        if ($settings['usable']) {
            $probes = [
                'login' => ['GET', '/session', null],
                'contacts:read' => ['GET', '/jobs/1', null],
                'contacts:write' => ['POST', '/contacts/1/tags', new stdClass()],
                'admin' => ['GET', '/status', null],
            ];
            if ($settings['passwords'] !== 'push') {
                unset($probes['admin']);
            }
            foreach ($probes as $scope => $probe) {
                self::forgetTroubles(['unreachable', 'key', 'scope:' . $scope]);
                self::ask($scope, $probe[0], $probe[1], $probe[2], [], self::SHORT_TIMEOUT);
                $troubles = self::troubles();
                if (isset($troubles['unreachable']) || isset($troubles['key'])) {
                    $kind = isset($troubles['key']) ? 'key' : 'unreachable';
                    $critical[] = self::troubleText($kind, $troubles[$kind]['detail']);
                    break;
                }
                if (isset($troubles['scope:' . $scope])) {
                    $missing[] = self::troubleText('scope:' . $scope, '');
                    if ($scope === 'login') {
                        $critical = array_merge($critical, $missing);
                    }
                }
            }
        }
        $state = $critical ? 'critical' : ($missing ? 'recommended' : 'good');
        $texts = array_unique(array_merge($critical, $missing));
        if (!$texts) {
            $texts = [__('Membergate answers, and the API key serves for all that this site asks for.', 'membergate')];
        }
        return [
            'label' => $state === 'good'
                ? __('Members can log in with Membergate', 'membergate')
                : __('Membergate needs your attention', 'membergate'),
            'status' => $state,
            'badge' => ['label' => 'Membergate', 'color' => $state === 'good' ? 'blue' : 'red'],
            'description' => '<p>' . implode('</p><p>', array_map('esc_html', $texts)) . '</p>',
            'actions' => '',
            'test' => 'membergate',
        ];
    }
}

/**
 * The contact of a member as Membergate's API describes it (id, email, tags, fields, ...).
 *
 * $user: a WP_User, a user's id, null for the visitor, or the e-mail of a contact. Returns null if
 * the account is not linked or the contact is gone, a WP_Error if that cannot be told.
 */
function membergate_contact($user = null)
{
    return Membergate::contact($user);
}

/** Whether a member has the tag, by name or id. False if that cannot be told. */
function membergate_has_tag($user, $tag)
{
    $contact = Membergate::contact($user);
    return is_array($contact) && Membergate::tagIsAmong($tag, $contact['tags']);
}

/**
 * Adds tags, by name or id; with $create_missing also such as ActiveCampaign does not know yet.
 *
 * Returns the API's answer: state is done, or pending if ActiveCampaign has not answered yet; the
 * change is carried out then too. A WP_Error says why not; its data has `results` for each tag.
 */
function membergate_add_tags($user, array $names, $create_missing = false)
{
    return Membergate::changeTags($user, ['add' => array_values($names), 'create_missing' => (bool) $create_missing]);
}

/** Removes tags, likewise. */
function membergate_remove_tags($user, array $names)
{
    return Membergate::changeTags($user, ['remove' => array_values($names)]);
}

/** Puts a member's new password in force and ends his sessions. Returns true or a WP_Error. */
function membergate_set_password(
    $user,
    #[\SensitiveParameter]
    $password
) {
    $user = Membergate::user($user);
    if (!$user) {
        return new WP_Error('membergate_no_member', 'There is no such user.');
    }
    return Membergate::setPassword($user, $password);
}

Membergate::start();
