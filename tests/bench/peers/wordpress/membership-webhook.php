<?php
/*
 * Plugin Name: The WordPress peer of scripts/bench
 *
 * A must-use plugin that takes the same webhooks as a membership plugin does, as durably: the
 * member is a user of WordPress, found by e-mail and made if missing, what ActiveCampaign knows of
 * him lies in his user meta, and each delivery is a row of a table of its own. One transaction.
 */

declare(strict_types=1);

namespace MembershipWebhook;

function answer(int $status, string $text): never
{
    status_header($status);
    header('Content-Type: application/json');
    header('Content-Length: ' . strlen($text));
    exit($text);
}

function member_by_email(array $contact): int
{
    $user = get_user_by('email', $contact['email']);
    if ($user) {
        return $user->ID;
    }
    $made = wp_insert_user([
        'user_login' => $contact['email'],
        'user_email' => $contact['email'],
        'user_pass' => wp_generate_password(24),
        'first_name' => sanitize_text_field($contact['first_name'] ?? ''),
        'last_name' => sanitize_text_field($contact['last_name'] ?? ''),
        'role' => 'subscriber',
    ]);
    if (is_wp_error($made)) {
        answer(503, '{"status":"unavailable"}');
    }
    return $made;
}

function receive(): never
{
    global $wpdb;
    $given = wp_unslash($_GET['mbr_genpass']);
    $code = (string) get_option('membership_webhook_code');
    if (!is_string($given) || !hash_equals($code, $given)) {
        answer(403, '{"status":"refused"}');
    }
    $contact = wp_unslash($_POST['contact'] ?? []);
    if (!is_array($contact) || !is_email($contact['email'] ?? '')) {
        answer(400, '{"status":"contact_missing"}');
    }
    $wpdb->query('START TRANSACTION');
    $member = member_by_email($contact);
    update_user_meta($member, 'membership_contact', wp_slash($contact));
    $kept = $wpdb->insert($wpdb->prefix . 'membership_delivery', [
        'received_at' => (int) (microtime(true) * 1000),
        'user_id' => $member,
        'body' => file_get_contents('php://input'),
    ]);
    if (!$kept || $wpdb->query('COMMIT') === false) {
        answer(503, '{"status":"unavailable"}');
    }
    answer(200, '{"status":"accepted"}');
}

add_action('init', function (): void {
    if (isset($_GET['mbr_genpass']) && $_SERVER['REQUEST_METHOD'] === 'POST') {
        receive();
    }
});
