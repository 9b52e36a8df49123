# What only PowerShell can tell of a Windows that no agent of Cutover runs on; collect.cmd runs this and appends what it
# writes. Works with PowerShell 2, changes nothing but the file that it is given.
param([string]$Out)
$ErrorActionPreference = 'Stop'
$lines = New-Object System.Collections.ArrayList

# One part of the collection: marks around what the block gives. One that fails leaves its code and no lines.
function Add-Part([string]$what, [scriptblock]$block) {
    $body = @()
    $code = 0
    try { $body = @(& $block) } catch { $body = @(); $code = 1 }
    [void]$lines.Add("#begin $what")
    foreach ($line in $body) { [void]$lines.Add(([string]$line) -replace '[\r\n]', ' ') }
    [void]$lines.Add("#end $code")
}

Add-Type -AssemblyName System.ServiceProcess
[void]$lines.Add('#fact by cmd and PowerShell ' + $PSVersionTable.PSVersion)
[void]$lines.Add('#fact taken ' + [DateTime]::UtcNow.ToString('yyyy-MM-ddTHH:mm:ssZ', [Globalization.CultureInfo]::InvariantCulture))

Add-Part 'states' {
    foreach ($service in [System.ServiceProcess.ServiceController]::GetServices()) { "$($service.Status) $($service.ServiceName)" }
    foreach ($driver in [System.ServiceProcess.ServiceController]::GetDevices()) { "$($driver.Status) $($driver.ServiceName)" }
}
Add-Part 'processes' {
    foreach ($process in Get-WmiObject -Class Win32_Process -Property ProcessId, Name, ExecutablePath) {
        "$($process.ProcessId)|$($process.Name)|$($process.ExecutablePath)"
    }
}

# Servers have no Security Center.
$type = (Get-WmiObject -Class Win32_OperatingSystem -Property ProductType).ProductType
if ($type -ne 1) {
    [void]$lines.Add('#fact security-center none')
} else {
    Add-Part 'security-center' {
        foreach ($product in Get-WmiObject -Namespace 'root\SecurityCenter2' -Class AntiVirusProduct) {
            "$($product.productState) $($product.displayName)"
        }
    }
}

[System.IO.File]::WriteAllText($Out, ([string]::Join("`r`n", $lines.ToArray()) + "`r`n"), [System.Text.Encoding]::Unicode)
