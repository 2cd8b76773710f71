<?php
// Makes the site's tables and options:  php install.php WORDPRESS-FOLDER CODE

declare(strict_types=1);

[, $folder, $code] = $argv;
define('WP_INSTALLING', true);
$_SERVER['HTTP_HOST'] = 'localhost';
$_SERVER['REQUEST_URI'] = '/';
require $folder . '/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';

add_filter('pre_wp_mail', '__return_true');
if (!is_blog_installed()) {
    $password = wp_generate_password(24);
    wp_install('A membership site', 'admin', 'admin@example.com', false, '', $password);
}
$wpdb->query("CREATE TABLE IF NOT EXISTS {$wpdb->prefix}membership_delivery (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    received_at BIGINT NOT NULL,
    user_id BIGINT UNSIGNED NOT NULL,
    body MEDIUMTEXT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4");
update_option('membership_webhook_code', $code);
