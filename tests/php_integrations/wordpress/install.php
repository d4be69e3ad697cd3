<?php
// Makes the database and installs WordPress.
define('WP_INSTALLING', true);
$_SERVER += ['HTTP_HOST' => '127.0.0.1', 'REQUEST_URI' => '/'];
function wp_mail(): bool { return true; }
(new mysqli('localhost', 'root', '', '', null, getenv('SITE_SOCKET')))->query('CREATE DATABASE wordpress');
require __DIR__ . '/wp-config.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install('Shop', 'admin', 'admin@example.com', true, '', 'sesame');
echo 'installed';
