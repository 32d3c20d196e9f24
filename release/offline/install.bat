@echo off
rem Installs vesimod from this folder, without internet:  install.bat [FOLDER]
setlocal
for %%V in (@VERSIONS@) do (
  py -%%V -c "" >nul 2>nul && set "PYTHON=py -%%V" && goto found
)
python -c "" >nul 2>nul && set "PYTHON=python" && goto found
echo ERROR: vesimod - no Python starts; install Python @VERSIONS@, 64 bit, from python.org 1>&2
set "CODE=2"
goto end
:found
%PYTHON% "%~dp0install.py" %*
set "CODE=%ERRORLEVEL%"
:end
rem Started by a double click, the window would close before it is read.
if "%~1"=="" pause
exit /b %CODE%
