# Detection script for Intune and Configuration Manager: prints something exactly when this version or a later one is here.
$wanted = [version]'0.1.0'
$agent = Get-ItemProperty -Path 'HKLM:\SOFTWARE\Cutover\Agent' -Name Version -ErrorAction SilentlyContinue
$service = Get-Service -Name 'cutover-agent' -ErrorAction SilentlyContinue
if ($agent -and $service -and [version]$agent.Version -ge $wanted) {
    Write-Output "Cutover agent $($agent.Version)"
}
exit 0
