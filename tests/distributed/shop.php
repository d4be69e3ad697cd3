<?php
// The first of the three services of shop.rs, under php-fpm, with the integrations for requests, curl and Monolog: calls
// the second one. `/PORT/REST` says where it is, and `/REST` is its path.
declare(strict_types=1);

require 'Monolog/autoload.php';
use function Spanwire\Integrations\{curl_init, curl_setopt, curl_setopt_array, curl_exec, curl_reset, curl_copy_handle};

$logger = new Monolog\Logger('shop', [new Monolog\Handler\ErrorLogHandler()]);
$logger->pushProcessor(new Spanwire\Integrations\Monolog(inMessage: true));
$logger->info('the page is asked for');
[, $port, $rest] = explode('/', $_SERVER['REQUEST_URI'], 3);
$curl = curl_init("http://127.0.0.1:$port/$rest");
curl_setopt_array($curl, [CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 30]);
$body = curl_exec($curl);
if ($body === false) throw new RuntimeException(curl_error($curl));
echo "php\n$body";
